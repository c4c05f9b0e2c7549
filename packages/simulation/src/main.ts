/**
 * `pnpm simulate --histories N [--seed S] [--steps K] [--worlds W] [--max-failures F] [--no-shrink]`: the histories of N seeds from S on, on
 * servers of its own. A failure is printed as a seed and its steps, made as few as still fail.
 */
import { parseArgs } from "node:util";
import { startTwoServers } from "./servers.js";
import { describeFailure, simulateMany } from "./simulate.js";
import { TwoStores } from "./two-stores.js";

const PROGRESS_EVERY = 500;

const { values } = parseArgs({
  options: {
    histories: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    steps: { type: "string" },
    worlds: { type: "string", default: "4" },
    "max-failures": { type: "string", default: "10" },
    "no-shrink": { type: "boolean", default: false },
  },
});
const histories = wholeNumber("histories", values.histories);
const worldCount = Math.min(histories, wholeNumber("worlds", values.worlds));
const servers = await startTwoServers(worldCount, { PATH: process.env.PATH });
const worlds = await Promise.all(
  servers.databaseUrls.map((databaseUrl, i) =>
    TwoStores.connect({ redisUrl: servers.redisUrl, redisDatabase: 2 * i, databaseUrl }),
  ),
);
const startedAtMs = performance.now();
const say = (done: number) => {
  const eachMs = ((performance.now() - startedAtMs) / done).toFixed(1);
  console.log(`${done} of ${histories} histories, ${eachMs} ms each`);
};
try {
  const { done, failures } = await simulateMany(worlds, {
    firstSeed: wholeNumber("seed", values.seed),
    histories,
    maxSteps: values.steps === undefined ? undefined : wholeNumber("steps", values.steps),
    shrink: !values["no-shrink"],
    maxFailures: wholeNumber("max-failures", values["max-failures"]),
    onFailure: (failure) => console.log(describeFailure(failure)),
    onProgress: (soFar) => soFar % PROGRESS_EVERY === 0 && say(soFar),
  });
  say(done);
  console.log(failures.length === 0 ? "none failed" : `failed: ${failures.map(({ seed }) => seed).join(", ")}`);
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  for (const stores of worlds) await stores.close();
  await servers.stop();
}
// The migration engine leaves a timer of ten seconds running; nobody should wait for it.
process.exit();

/** @throws from 1 on: anything else is a slip of whoever typed it */
function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new RangeError(`--${name} must be a whole number from 1 on, not "${text}"`);
  return number;
}
