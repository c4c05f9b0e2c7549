import { OwnedProcess, type OwnedProcessOptions, type RunAs } from "./owned-process.js";
import { settlesWithin } from "./wait-until.js";

const STOP_DEADLINE_MS = 2_000;

/** A program that should end by itself did not, or ended badly. */
export class CommandFailedError extends Error {
  override readonly name = "CommandFailedError";
  constructor(what: string, how: string, output: string) {
    super(`${what} failed (${how})${output === "" ? "" : `:\n${output}`}`);
  }
}

/**
 * Runs a program to its end.
 * @returns the end of what it printed
 * @throws {CommandFailedError} when it fails or takes too long; the signal's reason when it is aborted
 */
export async function runCommand(o: {
  what: string;
  dataDir: string;
  command: string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  runAs?: RunAs | undefined;
  logPath: string;
  deadlineMs: number;
  signal?: AbortSignal | undefined;
  onOutput?: OwnedProcessOptions["onOutput"];
}): Promise<string> {
  o.signal?.throwIfAborted();
  const child = await OwnedProcess.spawn({
    ...o,
    name: o.what,
    stopSignal: "SIGTERM",
    stopDeadlineMs: STOP_DEADLINE_MS,
  });
  const abort = () => void child.stop();
  o.signal?.addEventListener("abort", abort, { once: true });
  const inTime = await settlesWithin(child.exited, o.deadlineMs);
  o.signal?.removeEventListener("abort", abort);
  if (!inTime) await child.stop();
  o.signal?.throwIfAborted();
  const how = inTime ? await child.exited : `not done after ${o.deadlineMs / 1_000} s`;
  if (how !== "exit code 0") throw new CommandFailedError(o.what, how, await child.lastOutput());
  return child.lastOutput();
}
