/** What a final day's records must say, and what of one does not. Anybody may have written them, so nothing is taken for granted. */
import { type LaunchAppRecord, launchKey, type VoteBackupRecord } from "@votesync/mongo-store";
import { checksumOf } from "./day-result.js";
import type { FinalApp } from "./final-apps.js";

export function finalRecord(
  date: string,
  { appId, votes, rank, reachedAt, identity }: FinalApp,
  marks: { finalizedAt: Date; votingFlushed: boolean },
): LaunchAppRecord {
  return { _id: launchKey(date, appId), appId, launchDate: date, ...identity, likes: votes, rank, reachedAt, ...marks };
}

/** Names of fields that are wrong, missing, or that nobody here writes. */
export function wrongFields(found: LaunchAppRecord, expected: LaunchAppRecord): string[] {
  const [is, should] = [found, expected].map((record) => new Map<string, unknown>(Object.entries(record)));
  const fields = new Set([...(is?.keys() ?? []), ...(should?.keys() ?? [])]);
  return [...fields].filter((field) => !isSame(is?.get(field), should?.get(field)));
}

/** Whether a backup says what was counted, and its checksum too. */
export function isSoundBackup(date: string, app: FinalApp, backup: VoteBackupRecord): boolean {
  return (
    backup.appId === app.appId &&
    backup.launchDate === date &&
    backup.votes === app.votes &&
    backup.rank === app.rank &&
    isSame(backup.reachedAt, app.reachedAt) &&
    backup.checksum === checksumOf(date, app)
  );
}

const isSame = (a: unknown, b: unknown) =>
  a instanceof Date && b instanceof Date ? a.getTime() === b.getTime() : a === b;
