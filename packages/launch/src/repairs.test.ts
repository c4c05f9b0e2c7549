/**
 * Whatever is done to what people look at, it is found, and put right: over random changes of records, the seal and health tell
 * of them, and after recovery everything is as it was.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { TestLaunchStores } from "./final-day.testing.js";
import { recoverVotes } from "./recover-votes.js";
import { verifySeal } from "./verify-seal.js";
import { checkVoteHealth, OVERDUE_AFTER_MS } from "./vote-health.js";

const RUNS = 60;
const VOTES = { alpha: 5, beta: 3, gamma: 3, delta: 0 };
const NAMES = Object.keys(VOTES);

let stores: TestLaunchStores;
let date: string;

beforeAll(async () => {
  stores = await TestLaunchStores.create();
  date = await stores.finalDay(VOTES);
});
afterAll(() => stores.remove());

const valueArbitrary = fc.oneof(
  fc.integer({ min: -2, max: 1_000 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom<unknown>(null, "5", true, [], {}, new Date(0)),
  fc.string({ maxLength: 5 }),
);
const fieldArbitrary = fc.constantFrom(
  ...["appId", "launchDate", "name", "ownerId", "opensAt", "closesAt", "createdAt"],
  ...["likes", "rank", "reachedAt", "finalizedAt", "votingFlushed"],
  ...["votes", "count", "a field"],
);
const tamperingArbitrary = fc.record({
  name: fc.constantFrom(...NAMES),
  change: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ $set: fc.dictionary(fieldArbitrary, valueArbitrary, { minKeys: 1, maxKeys: 3 }) }),
    },
    { weight: 2, arbitrary: fieldArbitrary.map((field) => ({ $unset: { [field]: true as const } })) },
    { weight: 1, arbitrary: fc.constant("lost" as const) },
  ),
});

async function tamper(tampering: typeof tamperingArbitrary extends fc.Arbitrary<infer T> ? T : never): Promise<void> {
  const records = stores.collection("launch_apps");
  const _id = stores.key(date, tampering.name);
  if (tampering.change === "lost") await records.deleteOne({ _id });
  else await records.updateOne({ _id }, tampering.change);
}

const health = () => checkVoteHealth(stores, { date, nowMs: Date.now(), overdueAfterMs: OVERDUE_AFTER_MS });
const recover = (dryRun: boolean) => recoverVotes(stores, { date, dryRun });
const records = () => stores.collection("launch_apps").find({}).sort({ _id: 1 }).toArray();

test("whatever is done to the records of a day, recovery brings them back, and says what it did", async () => {
  const original = await records();
  const shown = (all: typeof original) =>
    all.map(({ appId, launchDate, likes, rank }) => [appId, launchDate, likes, rank]);
  await fc.assert(
    fc.asyncProperty(fc.array(tamperingArbitrary, { minLength: 1, maxLength: 4 }), async (tamperings) => {
      for (const tampering of tamperings) await tamper(tampering);
      const tampered = await records();
      const sameResults = JSON.stringify(shown(tampered)) === JSON.stringify(shown(original));
      expect((await verifySeal(stores, date)).valid).toBe(sameResults);

      const told = await recover(true);
      expect(await records()).toEqual(tampered);
      const differs = original.filter((record, i) => {
        const now = tampered.find(({ _id }) => _id === record._id);
        return now === undefined || !sameFields(now, original[i] as object);
      });
      expect(told.apps.map(({ appId }) => appId).sort()).toEqual(differs.map(({ appId }) => appId));
      expect(await recover(false)).toEqual(told);

      expect(await records()).toEqual(original);
      expect((await verifySeal(stores, date)).valid).toBe(true);
      expect((await health()).status).toBe("healthy");
      expect((await recover(false)).recovered).toBe(0);
    }),
    { numRuns: RUNS },
  );
}, 180_000);

const sameFields = (a: object, b: object) => {
  const sorted = (of: object) => JSON.stringify(Object.entries(of).sort(([x], [y]) => (x < y ? -1 : 1)));
  return sorted(a) === sorted(b);
};
