/** `pnpm bench`: figures as ratios to baselines of the same run. Absolute numbers say more of the machine than of us. */
import { measureAccepted } from "./accepted.js";
import { measureBoards } from "./boards.js";
import { measureRedis } from "./casting.js";
import { measureCrowd } from "./crowd.js";
import { measureDurable } from "./durable.js";
import { measureFinalize } from "./finalizing.js";
import { createInstallation } from "./installation.js";
import { measureReconcile } from "./reconciling.js";
import { printReport } from "./report.js";
import { measureSync } from "./syncing.js";

const installation = await createInstallation();
try {
  const accepted = await measureAccepted(installation);
  const durable = await measureDurable(installation, accepted.votesPerSecond);
  const reconcile = await measureReconcile(installation);
  const boards = await measureBoards(installation);
  const crowd = await measureCrowd(installation);
  const finalize = await measureFinalize(installation);
  const sync = await measureSync(installation);
  printReport([
    ...accepted.figures,
    ...durable,
    ...reconcile,
    ...boards,
    ...crowd,
    ...finalize,
    ...sync,
    ...(await measureRedis(installation)),
  ]);
} finally {
  await installation.remove();
}
// The migration engine leaves a timer of ten seconds running; nobody should wait for it.
process.exit();
