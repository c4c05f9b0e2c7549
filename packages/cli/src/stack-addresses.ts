import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

/**
 * Where `pnpm start` runs its servers, for commands given without addresses of their own. What is set in the environment
 * stays; while no stack runs there is no such file.
 */
export function useStackAddresses(env: NodeJS.ProcessEnv): void {
  const path = join(env.DATA_DIR || join(REPOSITORY, ".data"), "votesync.env");
  if (existsSync(path)) process.loadEnvFile(path);
}
