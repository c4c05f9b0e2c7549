/** The `votesync` command as an operator runs it, on a test's own installation. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Installation } from "./installation.js";

const CLI = fileURLToPath(new URL("../../cli/dist/main.js", import.meta.url));
const DEADLINE_MS = 180_000;

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export const votesync = (installation: Installation, ...args: string[]) => votesyncWith(installation, {}, ...args);

/** @param more added to the installation's addresses */
export function votesyncWith(
  installation: Installation,
  more: NodeJS.ProcessEnv,
  ...args: string[]
): Promise<CommandResult> {
  const env = { ...installation.addresses, ...more };
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args], { env, timeout: DEADLINE_MS }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}
