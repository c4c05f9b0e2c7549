/**
 * PostgreSQL refuses to run as root, and so does its initdb. Root therefore runs it as another user: the one the data
 * folder belongs to already, else `postgres`, else `nobody`, who exists everywhere. No user is created for it.
 */
import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { findSetpriv } from "./lifeline.js";
import type { RunAs } from "./owned-process.js";

const OTHERS_MAY_ENTER = 0o001;
const ID_DEADLINE_MS = 5_000;

/** @param paths what that user must reach: the programs and the data folder */
export async function choosePostgresUser(folder: string, paths: string[]): Promise<RunAs | undefined> {
  if (process.getuid?.() !== 0) {
    await assertOwn(folder);
    return undefined;
  }
  const ids = (await ownerOf(folder)) ?? (await idsOf("postgres")) ?? (await idsOf("nobody"));
  if (ids === null) throw new Error('PostgreSQL does not run as root, and there is no user "postgres" or "nobody"');
  const closed = await firstClosedFolder(paths);
  if (closed !== null && findSetpriv() === null) {
    throw new Error(
      `PostgreSQL does not run as root, and other users may not enter ${closed}: ` +
        "start as an ordinary user, or set DATA_DIR and check out the project where everybody may enter",
    );
  }
  return { ...ids, ignoresFilePermissions: closed !== null };
}

async function assertOwn(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => null);
  if (found === null || found.uid === process.getuid?.()) return;
  throw new Error(`${folder} belongs to another user (${found.uid}): start as that user or as root, or set DATA_DIR`);
}

async function ownerOf(folder: string): Promise<{ uid: number; gid: number } | null> {
  const found = await stat(folder).catch(() => null);
  return found === null || found.uid === 0 ? null : { uid: found.uid, gid: found.gid };
}

async function idsOf(user: string): Promise<{ uid: number; gid: number } | null> {
  try {
    const ask = async (flag: string) =>
      Number((await promisify(execFile)("id", [flag, user], { timeout: ID_DEADLINE_MS })).stdout);
    return { uid: await ask("-u"), gid: await ask("-g") };
  } catch {
    return null;
  }
}

/** Groups are not looked at: asking for a permission that is not needed harms less than a start that fails. */
async function firstClosedFolder(paths: string[]): Promise<string | null> {
  for (const path of paths) {
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
      if (((await stat(folder)).mode & OTHERS_MAY_ENTER) === 0) return folder;
    }
  }
  return null;
}
