import { expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import { castVote } from "./cast-vote.js";
import { connectRedis } from "./connection.js";
import { loadProject, NEVER_LOADED } from "./load-project.js";

test("a script first used in the middle of a pipeline gives every command its own reply", async () => {
  const redis = connectRedis({
    url: testRedisUrl(),
    name: "scripts-test",
    log: { info: () => undefined, warn: () => undefined },
  });
  await waitFor("redis", () => redis.client.status === "ready");
  const names = new RedisNames(1, uniqueName("scripts"));
  const project = { id: "p", upvotes: 3, downvotes: 0, version: 9, period: 0, votes: null };
  const cast = {
    requestId: "0.r",
    projectId: "q",
    userId: "ann",
    voteType: "up",
    deadlineUs: Number.MAX_SAFE_INTEGER,
    limit: { max: 5, windowMs: 1_000 },
  } as const;
  // One tick, so one pipeline.
  const [pong, loaded, outcome, echoed] = await Promise.all([
    redis.client.ping(),
    loadProject(redis.client, names, project, NEVER_LOADED),
    castVote(redis.client, names, cast),
    redis.client.echo("after"),
  ]);
  await redis.close();
  expect([pong, loaded, outcome.kind, echoed]).toEqual(["PONG", true, "absent", "after"]);
});
