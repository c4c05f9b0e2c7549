/** `pnpm simulate --histories N [--seed S] [--steps K]`: histories from seed S on, on servers of their own. */
import { parseArgs } from "node:util";
import { startTwoServers } from "./servers.js";
import { describeFailure, MAX_STEPS, simulate } from "./simulate.js";
import { TwoStores } from "./two-stores.js";

const PROGRESS_EVERY = 500;

const { values } = parseArgs({
  options: {
    histories: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    steps: { type: "string", default: String(MAX_STEPS) },
  },
});
const [histories, firstSeed, maxSteps] = [values.histories, values.seed, values.steps].map(Number) as [
  number,
  number,
  number,
];
const servers = await startTwoServers();
let failed = 0;
try {
  const stores = await TwoStores.connect(servers);
  const startedAtMs = performance.now();
  for (let i = 1; i <= histories; i++) {
    const failure = await simulate(stores, firstSeed + i - 1, maxSteps);
    if (failure !== null) {
      failed++;
      console.log(describeFailure(failure));
    }
    if (i % PROGRESS_EVERY === 0 || i === histories) {
      const each = ((performance.now() - startedAtMs) / i).toFixed(1);
      console.log(`${i} of ${histories} histories, ${each} ms each, ${failed} failed`);
    }
  }
  await stores.close();
} finally {
  await servers.stop();
}
// The migration engine leaves a timer of ten seconds running; nobody should wait for it.
process.exit(failed === 0 ? 0 : 1);
