/**
 * MongoDB for one machine: the one on the PATH; a real one, fetched once; else a stand-in.
 *
 * The stand-in is SecantusDB: GPL-2.0, a beta, a process of its own, for trying and testing only. It answers what
 * votesync asks of MongoDB and nothing more is claimed. Measured: 270 single writes a second, 1,500 in bulk.
 */
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import mongoose from "mongoose";
import { CACHE_DIR, canRun, findCommand, runCommand } from "./commands.js";
import { StackError, type StackLog } from "./log.js";
import type { LocalServer, LocalServerOptions } from "./redis-server.js";
import { type Program, SupervisedProcess } from "./supervised-process.js";

const MONGOD_VERSION = "8.2.3";
const FETCH_TIMEOUT_MS = 180_000;
/** After a failed fetch the next start does not wait for it again so soon. */
const FETCH_RETRY_MS = 3_600_000;
const STAND_IN = "SecantusDB==0.7.0b3";
const PIP_TIMEOUT_MS = 240_000;
const PROBE_TIMEOUT_MS = 1_000;

type Launch = Pick<Program, "command" | "args" | "env"> & { description: string };

/** @throws {StackError} when there is none and none can be had */
export async function startMongoServer(o: LocalServerOptions): Promise<LocalServer> {
  const dir = join(o.dataDir, "mongo");
  await mkdir(dir, { recursive: true });
  const url = `mongodb://127.0.0.1:${o.port}/votesync`;
  const { description, ...launch } = await chooseServer(o.port, dir, o.log);
  const process = new SupervisedProcess({ name: "mongo", ...launch, marker: dir, probe: () => probe(url) }, o);
  await process.start();
  return { process, url, description };
}

async function chooseServer(port: number, dir: string, log: StackLog): Promise<Launch> {
  const tried: string[] = [];
  const mongod = (await findCommand("mongod")) ?? (await fetchMongod(log, tried));
  if (mongod !== null) {
    const args = ["--dbpath", dir, "--port", String(port), "--bind_ip", "127.0.0.1"];
    return { command: mongod, args, description: `MongoDB (${mongod})` };
  }
  const standIn = await installStandIn(log, tried);
  if (standIn !== null) return launchStandIn(standIn, port, dir, log);
  throw new StackError(
    `there is no MongoDB. Tried:\n  mongod is not on the PATH\n  ${tried.join("\n  ")}\n` +
      "Install MongoDB, or set MONGO_URL; for trying only, Python 3 with pip is enough.",
  );
}

async function fetchMongod(log: StackLog, tried: string[]): Promise<string | null> {
  const failureNote = join(CACHE_DIR, "mongod-fetch-failed");
  const failedLately = await stat(failureNote).then(
    ({ mtimeMs }) => Date.now() - mtimeMs < FETCH_RETRY_MS,
    () => false,
  );
  try {
    const { MongoBinary } = await import("mongodb-memory-server-core/lib/util/MongoBinary.js");
    const { DryMongoBinary } = await import("mongodb-memory-server-core/lib/util/DryMongoBinary.js");
    const wanted = { version: MONGOD_VERSION, downloadDir: join(CACHE_DIR, "mongod") };
    const kept = await DryMongoBinary.locateBinary(await DryMongoBinary.generateOptions(wanted));
    if (kept !== undefined) return kept;
    if (failedLately) {
      tried.push("fetching mongod failed less than an hour ago");
      return null;
    }
    log.info({}, `fetching MongoDB ${MONGOD_VERSION}, once`);
    return await withinTime(MongoBinary.getPath(wanted), FETCH_TIMEOUT_MS);
  } catch (error) {
    tried.push(`mongodb-memory-server-core: ${(error as Error).message.split("\n")[0]}`);
    await mkdir(CACHE_DIR, { recursive: true });
    await writeFile(failureNote, "");
    return null;
  }
}

async function withinTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not fetched within ${ms / 1_000} s`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

interface StandIn {
  python: string;
  packages: string;
}

/** Into a folder that gets its name when it is whole, so that a broken or parallel install is never used. */
async function installStandIn(log: StackLog, tried: string[]): Promise<StandIn | null> {
  const python = await findCommand("python3", "python");
  const packages = join(CACHE_DIR, STAND_IN.replace("==", "-").toLowerCase());
  if (python === null) {
    tried.push(`${STAND_IN}: there is no python3`);
    return null;
  }
  if (await canRun(python, ["-c", `import os,sys; sys.exit(not os.path.isdir(${JSON.stringify(packages)}))`])) {
    return { python, packages };
  }
  const begun = `${packages}.${process.pid}`;
  log.info({}, `fetching ${STAND_IN} with pip, once`);
  try {
    const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", begun, STAND_IN];
    await runCommand(python, args, { timeoutMs: PIP_TIMEOUT_MS });
    await rename(begun, packages).catch((error: NodeJS.ErrnoException) => {
      // Somebody else was faster.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
    return { python, packages };
  } catch (error) {
    tried.push(`${STAND_IN}: ${(error as Error).message.split("\n")[0]}`);
    return null;
  } finally {
    await rm(begun, { recursive: true, force: true });
  }
}

function launchStandIn({ python, packages }: StandIn, port: number, dir: string, log: StackLog): Launch {
  log.warn({}, `no MongoDB here: ${STAND_IN} stands in for it. It is a beta, for trying and testing only`);
  return {
    command: python,
    args: ["-m", "secantus", "--port", String(port), "--storage-path", dir, "--sync-on-commit"],
    env: { ...process.env, PYTHONPATH: packages },
    description: `${STAND_IN}, a stand-in for MongoDB (trying and testing only)`,
  };
}

async function probe(url: string): Promise<void> {
  const client = new mongoose.mongo.MongoClient(url, {
    serverSelectionTimeoutMS: PROBE_TIMEOUT_MS,
    connectTimeoutMS: PROBE_TIMEOUT_MS,
  });
  try {
    await client.db().command({ ping: 1 });
  } finally {
    await client.close().catch(() => undefined);
  }
}
