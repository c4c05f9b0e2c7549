/**
 * `node packages/bench/dist/verify-large.js [projects]`: how long `votes verify` takes on a large installation, and its
 * memory. Half a million projects with six votes each, unless told otherwise. Not part of `pnpm bench`: filling takes minutes.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { insertVotedProjects } from "@votesync/testkit";
import { createInstallation } from "./installation.js";

const CLI = fileURLToPath(new URL("../../cli/dist/main.js", import.meta.url));
const PROJECTS = 500_000;
const VOTES_EACH = 6;
const PER_STEP = 10_000;

const projects = Number(process.argv[2] ?? PROJECTS);
const installation = await createInstallation();
try {
  for (let from = 1; from <= projects; from += PER_STEP) {
    const to = Math.min(projects, from + PER_STEP - 1);
    await insertVotedProjects(installation.postgres.pool, { from, to, votesEach: VOTES_EACH });
  }
  console.log(`${projects} projects with ${projects * VOTES_EACH} votes are filled in`);
  const startedAt = performance.now();
  const child = spawn(process.execPath, [CLI, "votes", "verify"], {
    env: installation.env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(`exit ${code} after ${seconds.toFixed(1)} s: ${Math.round(projects / seconds)} projects/s`);
} finally {
  await installation.remove();
}
// The migration engine leaves a timer of ten seconds running; nobody should wait for it.
process.exit();
