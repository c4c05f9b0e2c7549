/**
 * Puts the records of a final day right, from its backups: what was changed by hand, lost, or half written is replaced whole.
 *
 * PostgreSQL decides and the seal proves: a backup is used only when it says what was counted, and nothing is written at all
 * when one does not, or when the results are not those that were sealed. So recovering can never make things worse, and
 * repeating it changes nothing. Records of no launch are left alone: deleting is for a person to decide.
 */
import { type FinalizationRecord, type LaunchAppRecord, RECORDS_PER_BATCH } from "@votesync/mongo-store";
import { type LaunchDay, readLaunchDayRow } from "@votesync/postgres-store";
import { batchesOf } from "./batches.js";
import { withDayLock } from "./day-lock.js";
import { finalRecord, isSoundBackup, wrongFields } from "./day-records.js";
import { sealOf } from "./day-result.js";
import { type DaySnapshot, readSnapshot } from "./day-snapshot.js";
import type { FinalApp } from "./final-apps.js";
import { BackupMismatchError } from "./finalize-day.js";
import type { LaunchStores } from "./launch-stores.js";
import { BackupsRemovedError, DayNotFinalError, RecordsKeepChangingError, SealMismatchError } from "./repair-errors.js";

/** A record may be marked flushed while it is being put right; then it is read again. */
const MAX_TRIES = 3;

export interface RecoverOptions {
  date: string;
  /** All of the day when left out. */
  appIds?: readonly string[] | undefined;
  dryRun: boolean;
}

export interface RecoveredApp {
  appId: string;
  /** What its record said; `null` when it was lost, or said no number. */
  before: number | null;
  after: number;
}

export interface RecoverReport {
  /** Nothing is missing. */
  success: boolean;
  /** Apps that were changed, or would be. */
  recovered: number;
  apps: RecoveredApp[];
  /** Apps that were asked for, or launched, and have no backup. */
  missing: string[];
}

/**
 * @throws {DayNotFinalError} {BackupsRemovedError} {BackupMismatchError} {SealMismatchError} nothing was written
 * @throws {DayLockedError} {RecordsKeepChangingError} asking again is safe
 */
export async function recoverVotes(stores: LaunchStores, o: RecoverOptions): Promise<RecoverReport> {
  const day = await readLaunchDayRow(stores.pool, o.date);
  if (day === null || day.apps === 0) return report([], [...(o.appIds ?? [])]);
  if (!day.isFinal) throw new DayNotFinalError(o.date);
  return withDayLock(stores.pool, o.date, () => recoverFinalDay(stores, day, o));
}

async function recoverFinalDay(
  stores: LaunchStores,
  day: LaunchDay,
  { date, appIds, dryRun }: RecoverOptions,
): Promise<RecoverReport> {
  const record = await stores.archive.findDay(date);
  if (record?.backupsRemovedAt instanceof Date) throw new BackupsRemovedError(date, record.backupsRemovedAt);
  const snapshot = await readSnapshot(stores.pool, date);
  const backups = await checkBackups(stores, date, chosenOf(snapshot, appIds));
  if (backups.wrong.length > 0) throw new BackupMismatchError(backups.wrong);
  assertSealed(date, snapshot, day, record);

  const isFlushed = record?.flush?.state === "done";
  const finalizedAt = record?.finalizedAt ?? day.finalizedAt ?? new Date();
  const work = { stores, date, dryRun, finalizedAt, isFlushed };
  const changed: RecoveredApp[] = [];
  for (const batch of batchesOf(backups.sound, RECORDS_PER_BATCH)) changed.push(...(await recoverBatch(work, batch)));
  if (!dryRun && !isFlushed) await markThoseFlushedMeanwhile(stores, date, changed);
  return report(changed, [...backups.missing, ...unknownOf(snapshot, appIds)]);
}

function chosenOf({ apps, uncounted }: DaySnapshot, appIds: readonly string[] | undefined): FinalApp[] {
  const asked = appIds === undefined ? null : new Set(appIds);
  const lost = uncounted.filter((appId) => asked?.has(appId) ?? true);
  if (lost.length > 0) throw new BackupMismatchError(lost);
  return asked === null ? apps : apps.filter(({ appId }) => asked.has(appId));
}

function unknownOf({ apps }: DaySnapshot, appIds: readonly string[] = []): string[] {
  const known = new Set(apps.map(({ appId }) => appId));
  return [...new Set(appIds)].filter((appId) => !known.has(appId));
}

interface CheckedBackups {
  /** Apps whose backup says what was counted. */
  sound: FinalApp[];
  wrong: string[];
  missing: string[];
}

/** All of them, before anything is written. */
async function checkBackups({ archive }: LaunchStores, date: string, apps: FinalApp[]): Promise<CheckedBackups> {
  const checked: CheckedBackups = { sound: [], wrong: [], missing: [] };
  for (const batch of batchesOf(apps, RECORDS_PER_BATCH)) {
    const backups = await archive.findBackups(
      date,
      batch.map(({ appId }) => appId),
    );
    for (const app of batch) {
      const backup = backups.get(app.appId);
      if (backup === undefined) checked.missing.push(app.appId);
      else if (isSoundBackup(date, app, backup)) checked.sound.push(app);
      else checked.wrong.push(app.appId);
    }
  }
  return checked;
}

/** Backups say what the snapshot says by now, so its seal is theirs. */
function assertSealed(date: string, { apps }: DaySnapshot, day: LaunchDay, record: FinalizationRecord | null): void {
  const seal = sealOf(date, apps);
  if (day.seal !== seal || (record !== null && record.seal !== seal)) throw new SealMismatchError(date);
}

interface RecoverWork {
  stores: LaunchStores;
  date: string;
  dryRun: boolean;
  finalizedAt: Date;
  /** The source has let go of all votes of the day. */
  isFlushed: boolean;
}

/** Reads again what it wrote, and so leaves the batch right, or says that it is not. */
async function recoverBatch(work: RecoverWork, batch: readonly FinalApp[]): Promise<RecoveredApp[]> {
  const first = await findWrong(work, batch);
  const changed = first.map(({ app, seen }) => ({ appId: app.appId, before: likesOf(seen), after: app.votes }));
  if (work.dryRun) return changed;
  let wrong = first;
  for (let i = 0; wrong.length > 0; i++) {
    if (i >= MAX_TRIES) throw new RecordsKeepChangingError(wrong.map(({ app }) => app.appId));
    await work.stores.archive.mendApps(wrong);
    wrong = await findWrong(
      work,
      wrong.map(({ app }) => app),
    );
  }
  return changed;
}

interface WrongRecord {
  app: FinalApp;
  seen: LaunchAppRecord | undefined;
  record: LaunchAppRecord;
}

async function findWrong(work: RecoverWork, apps: readonly FinalApp[]): Promise<WrongRecord[]> {
  const { stores, date, finalizedAt } = work;
  const found = await stores.archive.findApps(
    date,
    apps.map(({ appId }) => appId),
  );
  return apps
    .map((app) => {
      const seen = found.get(app.appId);
      const votingFlushed = work.isFlushed || seen?.votingFlushed === true;
      return { app, seen, record: finalRecord(date, app, { finalizedAt, votingFlushed }) };
    })
    .filter(({ seen, record }) => seen === undefined || wrongFields(seen, record).length > 0);
}

/** A flush that marked records before they were made again, and is done by now, will not come back for them. */
async function markThoseFlushedMeanwhile({ archive }: LaunchStores, date: string, changed: RecoveredApp[]) {
  if (changed.length === 0 || (await archive.findDay(date))?.flush?.state !== "done") return;
  for (const batch of batchesOf(changed, RECORDS_PER_BATCH)) {
    await archive.markFlushed(
      date,
      batch.map(({ appId }) => appId),
    );
  }
}

const likesOf = (seen: LaunchAppRecord | undefined) => (typeof seen?.likes === "number" ? seen.likes : null);

const report = (apps: RecoveredApp[], missing: string[]): RecoverReport => ({
  success: missing.length === 0,
  recovered: apps.length,
  apps,
  missing,
});
