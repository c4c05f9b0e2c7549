/**
 * A lock between processes: a file that names the one process that may go on. It appears with its content in one step
 * (a link to a finished file), and whoever finds the named process dead takes it over, so `kill -9` leaves no lock.
 */
import { createHash } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { identifyThisProcess, isAlive, type ProcessIdentity, parseIdentity } from "./process-identity.js";

const ATTEMPTS = 50;
const RETRY_MS = 10;
const POLL_MS = 200;

export type Claim = { release(): Promise<void> } | { heldBy: ProcessIdentity };

let claims = 0;

/** Takes the lock, or says who holds it. */
export async function claimFile(path: string): Promise<Claim> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}-${++claims}`;
  const content = JSON.stringify(await identifyThisProcess());
  const claim = { release: () => releaseFile(path, content) };
  await writeFile(draft, content);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await linked(draft, path)) return claim;
      const found = await readFile(path, "utf8").catch(() => null);
      if (found === null) continue;
      const holder = parseIdentity(found);
      if (holder !== null && (await isAlive(holder))) return { heldBy: holder };
      if (await replacedStale(path, found, draft)) return claim;
      await delay(RETRY_MS);
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new Error(`cannot take the lock ${path}: others take it again and again`);
}

/** Waits for the lock, does the work, gives it back. */
export async function withFileLock<T>(
  path: string,
  o: { deadlineMs: number; signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const deadline = Date.now() + o.deadlineMs;
  while (Date.now() < deadline) {
    o.signal?.throwIfAborted();
    const claim = await claimFile(path);
    if ("release" in claim) return work().finally(claim.release);
    await delay(POLL_MS);
  }
  throw new Error(`another process holds ${path} for more than ${o.deadlineMs / 1_000} s`);
}

async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Puts our lock in the place of a dead process's. Of those who found the same dead one, a lock named after it lets one
 * at a time look whether it is still there; without that, a slow one would replace the lock of a live one.
 */
async function replacedStale(path: string, stale: string, draft: string): Promise<boolean> {
  const claim = await claimFile(`${path}.${createHash("sha256").update(stale).digest("hex").slice(0, 12)}`);
  if ("heldBy" in claim) return false;
  try {
    if ((await readFile(path, "utf8").catch(() => null)) !== stale) return false;
    await rename(draft, path);
    return true;
  } finally {
    await claim.release();
  }
}

async function releaseFile(path: string, content: string): Promise<void> {
  if ((await readFile(path, "utf8").catch(() => null)) === content) await rm(path, { force: true });
}
