/** `pnpm bench`: figures as ratios to baselines of the same run. Absolute numbers say more of the machine than of us. */
import { measureAccepted } from "./accepted.js";
import { measureRedis } from "./casting.js";
import { measureDurable } from "./durable.js";
import { createInstallation } from "./installation.js";
import { printReport } from "./report.js";

const installation = await createInstallation();
try {
  const accepted = await measureAccepted(installation);
  const durable = await measureDurable(installation, accepted.votesPerSecond);
  printReport([...accepted.figures, ...durable, ...(await measureRedis(installation))]);
} finally {
  await installation.remove();
}
// The migration engine leaves a timer of ten seconds running; nobody should wait for it.
process.exit();
