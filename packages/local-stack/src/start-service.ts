import { join } from "node:path";
import type { Log } from "./log.js";
import { OwnedProcess } from "./owned-process.js";
import { endOrphan } from "./process-record.js";
import { createServiceLines } from "./service-lines.js";
import type { ServiceSpec } from "./services.js";

/** What the contract gives a service to finish what it began. */
const STOP_DEADLINE_MS = 10_000;

/** Starts one of our services. Whether it is ready is asked of all of them together, later. */
export async function startService(o: {
  spec: ServiceSpec;
  repoRoot: string;
  dataDir: string;
  env: NodeJS.ProcessEnv;
  print: (line: string) => void;
  log: Log;
}): Promise<OwnedProcess> {
  const { name, main } = o.spec;
  await endOrphan({ dataDir: o.dataDir, name, log: o.log });
  const logPath = join(o.dataDir, "logs", `${name}.log`);
  return OwnedProcess.spawn({
    name,
    dataDir: o.dataDir,
    // The whole path: with two checkouts on one machine the command line tells whose service it is.
    command: [process.execPath, join(o.repoRoot, main)],
    cwd: o.repoRoot,
    env: o.env,
    stopSignal: "SIGTERM",
    stopDeadlineMs: STOP_DEADLINE_MS,
    logPath,
    onOutput: createServiceLines({ name, logPath, print: o.print }),
  });
}
