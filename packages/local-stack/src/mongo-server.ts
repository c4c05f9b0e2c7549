/**
 * MongoDB, or what stands in for it. A real one runs plain, without a replica set: nothing here needs transactions or
 * change streams, and a set remembers its own port, so a start with another PORT_OFFSET would find itself locked out.
 */
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { withFileLock } from "./exclusive-file.js";
import { fetchMongod } from "./fetch-mongod.js";
import { findOnPath } from "./find-on-path.js";
import { pingMongo } from "./ping.js";
import { installSecantusDb, type SecantusDb } from "./secantusdb.js";
import {
  cacheFolder,
  type ServerProcess,
  type ServerSetup,
  type ServerSource,
  StoreUnavailableError,
} from "./server-setup.js";
import { startServer } from "./start-server.js";

const INSTALL_LOCK_DEADLINE_MS = 900_000;
const ADVICE =
  "Install MongoDB (https://www.mongodb.com/docs/manual/installation), or Python 3.10 with pip for the stand-in, " +
  "or set MONGO_URL to a server you have.";

/** The two keep data in formats of their own, so each has its own folder. */
const FOLDERS = { mongod: "mongodb", standIn: "secantusdb" } as const;

type Way = (setup: ServerSetup, cache: string) => Promise<ServerSource | { why: string }>;

/** @throws {StoreUnavailableError} */
export async function findMongo(setup: ServerSetup): Promise<ServerSource> {
  const onPath = await mongodOnPath(setup);
  const cache = await cacheFolder(setup.env);
  const ways = (await standInHoldsData(setup))
    ? [standIn, async () => onPath, downloaded]
    : [async () => onPath, downloaded, standIn];
  const tried = ["MONGO_URL is not set"];
  // One process at a time downloads or installs; the others find it done.
  const lock = { deadlineMs: INSTALL_LOCK_DEADLINE_MS, signal: setup.signal };
  const found = await withFileLock(join(cache, "install-mongo.lock"), lock, () => firstThatWorks(ways));
  if (found === null) throw new StoreUnavailableError("MongoDB", tried, ADVICE);
  return found;

  async function firstThatWorks(ordered: Way[]): Promise<ServerSource | null> {
    for (const way of ordered) {
      const outcome = await way(setup, cache);
      if (!("why" in outcome)) return outcome;
      tried.push(outcome.why);
    }
    return null;
  }
}

export async function startMongoServer(setup: ServerSetup): Promise<ServerProcess> {
  return (await findMongo(setup)).start(setup.signal);
}

/** Data made with the stand-in stays with it: a mongod that turns up later would start empty without a word. */
async function standInHoldsData(setup: ServerSetup): Promise<boolean> {
  const has = async (folder: string) => (await stat(join(setup.dataDir, folder)).catch(() => null)) !== null;
  return (await has(FOLDERS.standIn)) && !(await has(FOLDERS.mongod));
}

async function mongodOnPath(setup: ServerSetup): Promise<ServerSource | { why: string }> {
  const program = await findOnPath(["mongod"], setup.env ?? process.env);
  return program === null ? { why: "mongod is not on PATH" } : mongodSource(setup, program);
}

async function downloaded(setup: ServerSetup, cache: string): Promise<ServerSource | { why: string }> {
  const outcome = await fetchMongod(setup, cache);
  return "why" in outcome
    ? { why: `mongodb-memory-server-core: ${outcome.why}` }
    : mongodSource(setup, outcome.program);
}

async function standIn(setup: ServerSetup, cache: string): Promise<ServerSource | { why: string }> {
  const outcome = await installSecantusDb(setup, cache);
  return "why" in outcome ? { why: `SecantusDB, the stand-in: ${outcome.why}` } : secantusSource(setup, outcome);
}

function mongodSource(setup: ServerSetup, program: string): ServerSource {
  const flags = (folder: string) => [
    ...["--dbpath", folder, "--port", String(setup.port), "--bind_ip", "127.0.0.1"],
    ...["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"],
  ];
  const command = (folder: string): string[] => [program, ...flags(folder)];
  return {
    description: `MongoDB (${program})`,
    isStandIn: false,
    start: (signal) => start(setup, { folder: FOLDERS.mongod, command }, signal),
  };
}

function secantusSource(setup: ServerSetup, { python, folder: packages, version }: SecantusDb): ServerSource {
  // Measured: a sync at every commit costs nothing that shows here (560 to 640 single inserts/s with and without).
  const flags = ["--host", "127.0.0.1", "--cache-size", "256M", "--sync-on-commit"];
  const command = (folder: string): string[] =>
    [...[python, "-m", "secantus", "--port", String(setup.port), "--storage-path", folder], ...flags] as [
      string,
      ...string[],
    ];
  return {
    description: `SecantusDB ${version}, a beta stand-in for MongoDB: for trying and testing only`,
    isStandIn: true,
    start: (signal) => start(setup, { folder: FOLDERS.standIn, command, env: { PYTHONPATH: packages } }, signal),
  };
}

async function start(
  setup: ServerSetup,
  o: { folder: string; command: (folder: string) => string[]; env?: NodeJS.ProcessEnv },
  signal?: AbortSignal,
): Promise<ServerProcess> {
  const folder = join(setup.dataDir, o.folder);
  await mkdir(folder, { recursive: true });
  const url = `mongodb://127.0.0.1:${setup.port}/votesync?directConnection=true`;
  const server = {
    name: "mongo",
    url,
    portVariable: "MONGO_PORT",
    command: o.command(folder),
    env: o.env ?? {},
    cwd: folder,
    stopSignal: "SIGTERM" as const,
    assertReady: () => pingMongo(url),
  };
  return startServer(setup, server, signal);
}
