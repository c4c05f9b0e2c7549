/** `pnpm bench`: figures as ratios to baselines of the same run. Absolute numbers say more of the machine than of us. */
import { measureAccepted } from "./accepted.js";
import { measureDurable } from "./durable.js";
import { createInstallation } from "./installation.js";
import { printReport } from "./report.js";

const installation = await createInstallation();
try {
  printReport([...(await measureAccepted(installation)), ...(await measureDurable(installation))]);
} finally {
  await installation.remove();
}
// The migration engine leaves a timer of ten seconds running; nobody should wait for it.
process.exit();
