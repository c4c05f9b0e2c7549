/** `pnpm start`: everything on one machine, until Ctrl-C. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runStack } from "./run-stack.js";
import { VOTESYNC } from "./services.js";

await runStack({
  repoRoot: resolve(fileURLToPath(import.meta.url), "../../../.."),
  env: process.env,
  plan: VOTESYNC,
  output: process.stdout,
});
