import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { connectRedis, type RedisConnection } from "@votesync/redis-store";
import { createLogger } from "@votesync/service-kit";
import { testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { DegradedHere } from "./degraded-here.js";

let redis: RedisConnection;

beforeAll(async () => {
  const log = createLogger({ service: "degraded-here-test", level: "silent" });
  redis = connectRedis({ url: testRedisUrl(), name: "degraded-here-test", log });
  await waitFor("redis", () => redis.client.status === "ready");
});
afterAll(() => redis.close());

test("marks beyond the bound are forgotten, and trust in Redis with them", async () => {
  let forgotten = 0;
  const onForgotten = () => {
    forgotten++;
  };
  const degraded = new DegradedHere(redis.client, new RedisNames(1, uniqueName("degraded")), onForgotten, 3);
  for (const id of ["a", "b", "c"]) degraded.mark(id);
  expect([degraded.isEmpty, forgotten]).toEqual([false, 0]);
  degraded.mark("d");
  expect([degraded.isEmpty, forgotten]).toEqual([true, 1]);
});

test("a mark that is set while recovery runs outlives it", async () => {
  const names = new RedisNames(1, uniqueName("degraded"));
  const degraded = new DegradedHere(redis.client, names);
  for (const id of ["a", "b"]) degraded.mark(id);
  await degraded.forgetIf(async () => {
    degraded.mark("b");
    return true;
  });
  for (const id of ["a", "b"]) await degraded.settle(id);
  expect(await redis.client.hexists(names.project("a"), "held")).toBe(0);
  expect(await redis.client.hexists(names.project("b"), "held")).toBe(1);
});
