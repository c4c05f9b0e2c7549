import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Where things that are fetched once are kept, for all checkouts of this user. */
export const CACHE_DIR = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "votesync");

/** The first of these commands that is on the PATH, with its whole path. */
export async function findCommand(...names: string[]): Promise<string | null> {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, name);
      const found = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (found) return path;
    }
  }
  return null;
}

/** @throws when it fails or takes too long; the error holds what it wrote */
export async function runCommand(
  command: string,
  args: string[],
  o: { timeoutMs: number; env?: NodeJS.ProcessEnv; uid?: number | undefined; gid?: number | undefined },
): Promise<string> {
  const ids = o.uid === undefined || o.gid === undefined ? {} : { uid: o.uid, gid: o.gid };
  const env = { ...process.env, ...o.env };
  const { stdout } = await run(command, args, { timeout: o.timeoutMs, env, maxBuffer: 2 ** 24, ...ids });
  return stdout;
}

/** Whether a command can be run at all, and quickly. */
export async function canRun(command: string, args: string[]): Promise<boolean> {
  return runCommand(command, args, { timeoutMs: 5_000 }).then(
    () => true,
    () => false,
  );
}
