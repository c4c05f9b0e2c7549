import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { observeRedisClock } from "@votesync/postgres-store";
import { TestStores } from "./stores.testing.js";

let stores: TestStores;
beforeEach(async () => {
  stores = await TestStores.create();
});
afterEach(() => stores.remove());

const HOUR_US = 3_600_000_000;
const aheadSeconds = async () =>
  (await stores.rows<{ s: number }>("SELECT round(extract(epoch FROM ahead))::int AS s FROM redis_clock")).map(
    ({ s }) => s,
  );
const observe = (aheadUs: number) => observeRedisClock(stores.pool, async () => Date.now() * 1_000 + aheadUs);

test("Redis's clock is known by how far it is ahead; a slow answer does not move it back", async () => {
  await observe(HOUR_US);
  await observe(HOUR_US - 20_000_000);
  expect(await aheadSeconds()).toEqual([3_600]);
  await stores.pool.query("UPDATE redis_clock SET measured_at = now() - interval '1 minute'");
  await observe(HOUR_US - 20_000_000);
  expect(await aheadSeconds()).toEqual([3_580]);
});

test("an observer that was frozen between its looks has seen nothing", async () => {
  await observeRedisClock(stores.pool, async () => {
    const redisUs = Date.now() * 1_000;
    await stores.pool.query("SELECT pg_sleep(0.1)");
    return redisUs;
  });
  expect(await aheadSeconds()).toEqual([]);
});
