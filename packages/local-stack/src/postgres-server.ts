/**
 * PostgreSQL on the loopback address, with a database `votesync` that belongs to the ordinary user `votesync`: the
 * services get no more rights here than in production. The superuser's password is random and stays in the data folder.
 */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { RunAs } from "./owned-process.js";
import { pingPostgres, withPostgres } from "./ping.js";
import { findPostgresBinaries, type PostgresBinaries } from "./postgres-binaries.js";
import { passwordPath, preparePostgresFolder, SUPERUSER } from "./postgres-folder.js";
import { choosePostgresUser } from "./postgres-user.js";
import { endOrphan } from "./process-record.js";
import type { ServerProcess, ServerSetup, ServerSource } from "./server-setup.js";
import { ServerEndedEarlyError, startServer } from "./start-server.js";

const NAME = "votesync";
/** Wrong password, unknown role, unknown database: the server is up, but our user or database is not there yet. */
const NOT_MADE_YET = new Set(["28P01", "28000", "3D000"]);
/** After a crash the old backends hold the shared memory until they notice, some 100 ms. */
const START_ATTEMPTS = 20;
const RETRY_MS = 150;

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  // No socket file: its path may be too long, and its folder may be another user's.
  unix_socket_directories: "",
  max_connections: "200",
  log_min_messages: "warning",
  timezone: "UTC",
  log_timezone: "UTC",
};
/** A commit still reaches the operating system before it is answered, so it survives kill -9, only not a power cut. */
const THROW_AWAY_SETTINGS = { fsync: "off", full_page_writes: "off" };

/** @throws {StoreUnavailableError} */
export async function findPostgres(setup: ServerSetup): Promise<ServerSource> {
  // Here, so that a folder we may not write to is told as such and not as a server that does not run.
  await mkdir(join(setup.dataDir, "logs"), { recursive: true });
  const folder = join(setup.dataDir, "postgres");
  const binaries = await findPostgresBinaries(setup, folder);
  const runAs = await choosePostgresUser(folder, [binaries.postgres, binaries.initdb, folder]);
  return {
    description: binaries.description,
    isStandIn: false,
    start: (signal) => startPostgres(setup, folder, binaries, runAs, signal),
  };
}

export async function startPostgresServer(setup: ServerSetup): Promise<ServerProcess> {
  return (await findPostgres(setup)).start(setup.signal);
}

async function startPostgres(
  setup: ServerSetup,
  folder: string,
  binaries: PostgresBinaries,
  runAs: RunAs | undefined,
  signal?: AbortSignal,
): Promise<ServerProcess> {
  // Before the folder is touched: nobody may be using it.
  await endOrphan({ dataDir: setup.dataDir, name: "postgres", log: setup.log });
  await preparePostgresFolder(setup, folder, binaries, runAs);
  const address = `127.0.0.1:${setup.port}`;
  const url = `postgresql://${NAME}:${NAME}@${address}/${NAME}`;
  const settings = { ...SETTINGS, ...(setup.throwAwayData ? THROW_AWAY_SETTINGS : {}) };
  const server = {
    name: "postgres",
    url,
    portVariable: "POSTGRES_PORT",
    command: [binaries.postgres, "-D", folder, "-p", String(setup.port), ...asFlags(settings)],
    env: { LC_ALL: "C" },
    cwd: "/",
    runAs,
    // PostgreSQL's fast shutdown: ends connections, writes a checkpoint.
    stopSignal: "SIGINT" as const,
    assertReady: () => assertReady(url, address, folder),
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await startServer(setup, server, signal);
    } catch (error) {
      if (!(error instanceof ServerEndedEarlyError) || attempt >= START_ATTEMPTS) throw error;
      await delay(RETRY_MS, undefined, { signal });
    }
  }
}

function asFlags(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

async function assertReady(url: string, address: string, folder: string): Promise<void> {
  try {
    await pingPostgres(url);
  } catch (error) {
    if (!NOT_MADE_YET.has(String((error as { code?: unknown }).code))) throw error;
    const password = await readFile(passwordPath(folder), "utf8");
    await createDatabase(`postgresql://${SUPERUSER}:${password}@${address}/postgres`);
    await pingPostgres(url);
  }
}

/** Every step by itself, so that a start that was killed in between is finished by the next. */
async function createDatabase(superuserUrl: string): Promise<void> {
  await withPostgres(superuserUrl, async (client) => {
    const role = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [NAME]);
    // CREATEDB: the tests clone a database of their own each.
    if (role.rowCount === 0) {
      await client.query(`CREATE ROLE ${NAME} LOGIN CREATEDB PASSWORD ${pg.escapeLiteral(NAME)}`);
    }
    const database = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [NAME]);
    if (database.rowCount === 0) await client.query(`CREATE DATABASE ${NAME} OWNER ${NAME}`);
  });
}
