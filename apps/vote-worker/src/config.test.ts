import { expect, test } from "@jest/globals";
import { configSchema } from "./config.js";

const STORES = { REDIS_URL: "redis://localhost", DATABASE_URL: "postgres://localhost/votes" };
const delays = (list: string) => configSchema.parse({ ...STORES, WORKER_RETRY_DELAYS_MS: list }).WORKER_RETRY_DELAYS_MS;

test("retries wait 5, 10 and 20 s unless told otherwise", () => {
  expect(configSchema.parse(STORES).WORKER_RETRY_DELAYS_MS).toEqual([5_000, 10_000, 20_000]);
  expect(delays("100")).toEqual([100]);
  expect(delays("0,1,2,3")).toEqual([0, 1, 2, 3]);
});

test.each(["", ",", "5s", "1,,2", "-1", "1.5", "999999999", "1,2,3,4,5,6,7,8,9,10,11"])("%j are no delays", (list) => {
  expect(() => delays(list)).toThrow();
});
