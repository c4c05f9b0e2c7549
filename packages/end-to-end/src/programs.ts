/** Programs as a reader of the examples starts them. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const DEADLINE_MS = 180_000;

export const inRepository = (path: string): string => ROOT + path;

/** Runs a JavaScript program of the repository. @returns what it printed. @throws when it fails, with all it printed */
export function run(
  folder: string,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const options = { cwd: inRepository(folder), env, timeout: DEADLINE_MS };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} ${args.join(" ")}\n${stdout}\n${stderr}`, { cause: error }));
    });
  });
}
