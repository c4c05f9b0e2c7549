/** Many sockets on one hot project. What is counted is what the votes' own versions (microseconds) say, not a stopwatch. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { TEST_SECRET, testPostgresUrl, testRedisUrl, uniqueName, waitFor } from "@votesync/testkit";
import {
  createVoter,
  startTestGateway,
  stopTestGateways,
  type TestGateway,
  type TestVoter,
  type TestWorld,
} from "./gateway.testing.js";
import { Watcher } from "./watcher.testing.js";

const SOCKETS = 200;
const VOTES = 4_000;
const VOTES_AT_ONCE = 20;
const MESSAGES_PER_SECOND = 20;
const SECOND_US = 1_000_000;

let world: TestWorld;
let gateway: TestGateway;
let voter: TestVoter;

beforeAll(async () => {
  const names = new RedisNames(1, uniqueName("crowd"));
  world = { redisUrl: testRedisUrl(), databaseUrl: testPostgresUrl(), names, secret: TEST_SECRET };
  gateway = await startTestGateway(world);
  voter = await createVoter(world);
  await voter.load("hot");
});
afterAll(async () => {
  Watcher.closeAll();
  await stopTestGateways();
  await voter.close();
});

/** @returns the newest counts */
async function vote(count: number) {
  let next = 0;
  let final = await voter.cast("hot", "first", "up");
  const caster = async () => {
    for (let i = next++; i < count; i = next++) {
      const answer = await voter.cast("hot", `user ${i}`, i % 3 === 0 ? "down" : "up");
      if (answer.version > final.version) final = answer;
    }
  };
  await Promise.all(Array.from({ length: VOTES_AT_ONCE }, caster));
  return final;
}

test("a hot project before a crowd: no second has more than 20 messages, the last one has the final counts", async () => {
  const watchers = await Promise.all(Array.from({ length: SOCKETS }, () => Watcher.connect(gateway.url)));
  for (const watcher of watchers) await watcher.subscribe("hot");
  const final = await vote(VOTES);
  for (const watcher of watchers) {
    await waitFor("the final counts", () => watcher.last("hot")?.version === final.version);
    expect(watcher.last("hot")).toMatchObject(final);
    const versions = watcher.told.map(({ version }) => version);
    expect(mostWithinASecond(versions)).toBeLessThanOrEqual(MESSAGES_PER_SECOND);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  }
  expect(final).toMatchObject({ upvotes: 1 + VOTES - Math.ceil(VOTES / 3), downvotes: Math.ceil(VOTES / 3) });
});

/** Over all seconds that begin with a message. */
function mostWithinASecond(versions: readonly number[]): number {
  const counts = versions.map((from, i) => versions.slice(i).filter((version) => version < from + SECOND_US).length);
  return Math.max(0, ...counts);
}
