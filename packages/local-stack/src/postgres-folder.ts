/**
 * The data folder of PostgreSQL. It is made under another name and renamed when complete, so a folder of the right
 * name is always a whole one, however the first start was interrupted.
 */

import { randomBytes } from "node:crypto";
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RunAs } from "./owned-process.js";
import type { PostgresBinaries } from "./postgres-binaries.js";
import { commandLine } from "./process-identity.js";
import { runCommand } from "./run-command.js";
import { type ServerSetup, serverEnv } from "./server-setup.js";

const INITDB_DEADLINE_MS = 120_000;
const SUPERUSER_ONLY = 0o600;

export const SUPERUSER = "postgres";

export const passwordPath = (folder: string) => `${folder}-superuser-password`;

export async function preparePostgresFolder(
  setup: ServerSetup,
  folder: string,
  binaries: PostgresBinaries,
  runAs: RunAs | undefined,
): Promise<void> {
  if (await exists(join(folder, "global", "pg_control"))) return removeStalePid(setup, folder);
  if (await exists(folder)) await moveAside(setup, folder);
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true, mode: 0o700 });
  await writeFile(passwordPath(folder), randomBytes(24).toString("hex"), { mode: SUPERUSER_ONLY });
  if (runAs !== undefined) {
    for (const path of [part, passwordPath(folder)]) await chown(path, runAs.uid, runAs.gid);
  }
  await runInitdb(setup, part, passwordPath(folder), binaries, runAs);
  await rename(part, folder);
}

async function runInitdb(
  setup: ServerSetup,
  folder: string,
  passwordFile: string,
  binaries: PostgresBinaries,
  runAs: RunAs | undefined,
): Promise<void> {
  await runCommand({
    what: "initdb",
    dataDir: setup.dataDir,
    command: [
      binaries.initdb,
      `--pgdata=${folder}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      // The same order of strings on every machine, and the fastest one.
      "--encoding=UTF8",
      "--locale=C",
      ...(setup.throwAwayData ? ["--no-sync"] : []),
    ],
    env: { ...serverEnv(setup.env), LC_ALL: "C" },
    cwd: dirname(binaries.initdb),
    runAs,
    logPath: join(setup.dataDir, "logs", "postgres.log"),
    deadlineMs: INITDB_DEADLINE_MS,
    signal: setup.signal,
  });
}

/** A folder without a control file holds no database that any PostgreSQL could open; kept all the same. */
async function moveAside(setup: ServerSetup, folder: string): Promise<void> {
  const aside = `${folder}.broken-${Date.now()}`;
  setup.log.warn({ folder, aside }, "the PostgreSQL data folder is incomplete: moving it aside and making a new one");
  await rename(folder, aside);
}

/**
 * After a crash PostgreSQL's own pid file stays. PostgreSQL copes, unless another program of the same user was given
 * that pid meanwhile (usual in containers): then it would refuse to start for ever.
 */
async function removeStalePid(setup: ServerSetup, folder: string): Promise<void> {
  const path = join(folder, "postmaster.pid");
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return;
  const command = await commandLine(Number.parseInt(text, 10));
  if (command === null || command.includes(folder)) return;
  setup.log.warn({ path }, "removing the pid file of a PostgreSQL that is gone");
  await rm(path, { force: true });
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null;
}
