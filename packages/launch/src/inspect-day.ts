/**
 * Looks at everything that is stored of a launch day, and holds it against what was counted. Only reads. Each store is read by
 * itself, so that one which is away does not hide what the other says.
 */
import type { FinalizationRecord, LaunchAppRecord, LaunchArchive } from "@votesync/mongo-store";
import {
  findLaunchDifferences,
  type LaunchDay,
  type LaunchDifference,
  launchPages,
  readLaunchDayRow,
} from "@votesync/postgres-store";
import { findDamagedProjects } from "@votesync/redis-store";
import type pg from "pg";
import { batchesOf } from "./batches.js";
import { finalRecord, isSoundBackup, wrongFields } from "./day-records.js";
import { type DaySnapshot, readSnapshot } from "./day-snapshot.js";
import type { FinalApp } from "./final-apps.js";
import type { LaunchStores } from "./launch-stores.js";

const APPS_PER_READ = 500;

/** What PostgreSQL says. */
export interface CountedDay {
  day: LaunchDay | null;
  snapshot: DaySnapshot;
  /** Results that its own counters or rows contradict. */
  differences: LaunchDifference[];
}

export async function inspectCounted(pool: pg.Pool, date: string): Promise<CountedDay> {
  const day = await readLaunchDayRow(pool, date);
  const snapshot = await readSnapshot(pool, date);
  return { day, snapshot, differences: await findLaunchDifferences(pool, date) };
}

/**
 * Apps under whose keys Redis holds something else, so that their votes take the long way and their period may not end. Nobody counts
 * there any more once the day is final.
 */
export async function inspectLive({ redis, names, pool }: LaunchStores, date: string): Promise<string[]> {
  if ((await readLaunchDayRow(pool, date))?.isFinal !== false) return [];
  const damaged: string[] = [];
  for await (const page of launchPages(pool, date, APPS_PER_READ)) {
    const ids = page.map(({ projectId }) => projectId);
    damaged.push(...(await findDamagedProjects(redis, names, ids)));
  }
  return damaged;
}

/** What MongoDB says. Lists of ids are empty when PostgreSQL does not tell what should be there. */
export interface ArchivedDay {
  record: FinalizationRecord | null;
  apps: {
    finalized: number;
    /** Final, and their votes not flushed. */
    unflushed: string[];
    missing: string[];
    /** App → the fields that are wrong. */
    wrong: Map<string, string[]>;
    /** Of no launch. */
    strays: string[];
  };
  backups: { total: number; missing: string[]; wrong: string[]; strays: string[] };
}

export async function inspectArchived(
  archive: LaunchArchive,
  date: string,
  counted: CountedDay | null,
): Promise<ArchivedDay> {
  const record = await archive.findDay(date);
  const apps = await inspectApps(archive, date, counted, record);
  return { record, apps, backups: await inspectBackups(archive, date, counted) };
}

async function inspectApps(
  archive: LaunchArchive,
  date: string,
  counted: CountedDay | null,
  record: FinalizationRecord | null,
): Promise<ArchivedDay["apps"]> {
  const found: ArchivedDay["apps"] = { finalized: 0, unflushed: [], missing: [], wrong: new Map(), strays: [] };
  const expected = expectedApps(counted);
  const judge = (app: FinalApp, seen: LaunchAppRecord) => {
    expected.delete(app.appId);
    const fields = wrongFieldsOf(date, app, seen, record);
    if (fields.length > 0) found.wrong.set(app.appId, fields);
  };
  const known = knownIds(counted);
  for await (const page of archive.appPages(date)) {
    for (const seen of page) {
      const appId = idOf(date, seen);
      if (seen.finalizedAt instanceof Date) found.finalized++;
      if (seen.finalizedAt instanceof Date && seen.votingFlushed !== true) found.unflushed.push(appId);
      const app = expected.get(appId);
      if (app !== undefined) judge(app, seen);
      else if (known !== null && !known.has(appId)) found.strays.push(appId);
    }
  }
  // Not lost, when only the date they carry was changed.
  for (const batch of batchesOf([...expected.values()], APPS_PER_READ)) {
    const moved = await archive.findApps(date, idsOf(batch));
    for (const app of batch) {
      const seen = moved.get(app.appId);
      if (seen === undefined) found.missing.push(app.appId);
      else judge(app, seen);
    }
  }
  return found;
}

async function inspectBackups(
  archive: LaunchArchive,
  date: string,
  counted: CountedDay | null,
): Promise<ArchivedDay["backups"]> {
  const found: ArchivedDay["backups"] = { total: 0, missing: [], wrong: [], strays: [] };
  const expected = expectedApps(counted);
  const known = knownIds(counted);
  for await (const page of archive.backupPages(date)) {
    found.total += page.length;
    for (const backup of page) {
      const appId = idOf(date, backup);
      const app = expected.get(appId);
      expected.delete(appId);
      if (app !== undefined && !isSoundBackup(date, app, backup)) found.wrong.push(appId);
      if (known !== null && !known.has(appId)) found.strays.push(appId);
    }
  }
  for (const batch of batchesOf([...expected.values()], APPS_PER_READ)) {
    const moved = await archive.findBackups(date, idsOf(batch));
    for (const { appId } of batch) (moved.has(appId) ? found.wrong : found.missing).push(appId);
  }
  return found;
}

/** Only a final day's records must say anything. */
function expectedApps(counted: CountedDay | null): Map<string, FinalApp> {
  return new Map(counted?.day?.isFinal ? counted.snapshot.apps.map((app) => [app.appId, app]) : []);
}

function knownIds(counted: CountedDay | null): Set<string> | null {
  if (counted === null) return null;
  return new Set([...counted.snapshot.apps.map(({ appId }) => appId), ...counted.snapshot.uncounted]);
}

/** When exactly a record became final, and whether it is flushed, is told apart. */
function wrongFieldsOf(
  date: string,
  app: FinalApp,
  seen: LaunchAppRecord,
  record: FinalizationRecord | null,
): string[] {
  const { votingFlushed, finalizedAt } = seen;
  const marks = {
    votingFlushed: typeof votingFlushed === "boolean" ? votingFlushed : false,
    finalizedAt: finalizedAt instanceof Date ? finalizedAt : (record?.finalizedAt ?? new Date(0)),
  };
  return wrongFields(seen, finalRecord(date, app, marks));
}

const idOf = (date: string, { _id }: { _id: string }) => _id.slice(date.length + 1);
const idsOf = (apps: readonly FinalApp[]) => apps.map(({ appId }) => appId);
