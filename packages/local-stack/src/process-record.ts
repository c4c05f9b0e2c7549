/**
 * What runs on a data folder, written down so that a later start recognises what an earlier one left behind:
 * `<data>/run/<name>.json` names the process and the one that started it, both by identity. A recorded process that
 * is alive although its owner is dead is an orphan, and only such a one is ever ended here.
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "./log.js";
import {
  identifyProcess,
  identifyThisProcess,
  isAlive,
  type ProcessIdentity,
  parseIdentity,
} from "./process-identity.js";
import { waitUntil } from "./wait-until.js";

/** PostgreSQL takes this as its fast shutdown, the others as an ordinary one. */
const FIRST_SIGNAL = "SIGINT";
const GRACE_MS = 5_000;
const GONE_DEADLINE_MS = 10_000;

export class DataFolderInUseError extends Error {
  override readonly name = "DataFolderInUseError";
  constructor(what: string, dataDir: string, holder: ProcessIdentity) {
    super(`${what} already runs on ${dataDir}, started by process ${holder.pid}: stop that one, or set DATA_DIR`);
  }
}

const recordPath = (dataDir: string, name: string) => join(dataDir, "run", `${name}.json`);

export async function writeRecord(dataDir: string, name: string, pid: number): Promise<void> {
  const identity = await identifyProcess(pid);
  if (identity === null) return;
  const path = recordPath(dataDir, name);
  await mkdir(join(dataDir, "run"), { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, JSON.stringify({ process: identity, owner: await identifyThisProcess() }));
  await rename(draft, path);
}

/** Forgets a process that ended, unless a newer one has taken its place. */
export async function removeRecord(dataDir: string, name: string, pid: number): Promise<void> {
  const record = await readRecord(dataDir, name);
  if (record?.process.pid === pid) await rm(recordPath(dataDir, name), { force: true });
}

/**
 * Makes sure that nothing of this name runs on the data folder.
 * @throws {DataFolderInUseError} when its owner is alive
 */
export async function endOrphan(o: { dataDir: string; name: string; log: Log }): Promise<void> {
  const record = await readRecord(o.dataDir, o.name);
  if (record === null || !(await isAlive(record.process))) return;
  if (await isAlive(record.owner)) throw new DataFolderInUseError(o.name, o.dataDir, record.owner);
  o.log.warn({ pid: record.process.pid }, `ending a ${o.name} that an earlier run left behind`);
  await endProcess(record.process);
}

async function endProcess(target: ProcessIdentity): Promise<void> {
  const gone = async () => ((await isAlive(target)) ? null : true);
  const what = `process ${target.pid} to end`;
  signal(target.pid, FIRST_SIGNAL);
  try {
    await waitUntil(what, gone, { deadlineMs: GRACE_MS });
  } catch {
    signal(target.pid, "SIGKILL");
    await waitUntil(what, gone, { deadlineMs: GONE_DEADLINE_MS });
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function readRecord(dataDir: string, name: string) {
  const text = await readFile(recordPath(dataDir, name), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    const fields = JSON.parse(text) as Record<string, unknown>;
    const [child, owner] = [fields.process, fields.owner].map((field) => parseIdentity(JSON.stringify(field ?? null)));
    return child && owner ? { process: child, owner } : null;
  } catch {
    return null;
  }
}
