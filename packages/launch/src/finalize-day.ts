/**
 * The end of a launch day, as a small state machine whose state is the day's document in MongoDB: find → snapshot → backup →
 * verify → flush → count → announce → final.
 *
 * Every step may be killed and done again: the snapshot is taken once, in one transaction in PostgreSQL, and everything after
 * it follows from it, written by id with the same content however often, and each move to the next phase is guarded by the one
 * before. So whoever takes the day up goes on where it was, and two at once come to the same.
 *
 * Nothing is flushed before its backup was read back. A flush is asked for and never waited for: what it needs stands in the
 * day's document, and a job does it.
 */
import {
  type AppResult,
  type FinalizationPhase,
  type FinalizationRecord,
  launchKey,
  RECORDS_PER_BATCH,
  type VoteBackupRecord,
} from "@votesync/mongo-store";
import {
  closeLaunchDay,
  markDayFinalized,
  readLaunchDayRow,
  sealLaunchDay,
  takeSnapshot,
} from "@votesync/postgres-store";
import { publishBroadcast } from "@votesync/redis-store";
import { batchesOf } from "./batches.js";
import { checksumOf, podium, sealOf } from "./day-result.js";
import { addMissingRecords, type FinalApp, readFinalApps } from "./final-apps.js";
import type { LaunchStores } from "./launch-stores.js";
import type { VoteSource } from "./vote-source.js";

export interface FinalizeReport {
  success: boolean;
  /** Apps that this run gave their final count. */
  updated: number;
  /** Apps that had theirs before. */
  alreadyFinal: number;
  top3: string[];
  backupCreated: number;
  message: string;
  /** `null` when nothing was launched. */
  seal: string | null;
}

/** Some of its launches, or the day itself, are still open. */
export class DayNotOverError extends Error {
  override readonly name = "DayNotOverError";
  constructor(readonly date: string) {
    super(`${date} is not over`);
  }
}

/** A step failed. The work can be taken up again where it was. */
export class FinalizeStepError extends Error {
  override readonly name = "FinalizeStepError";
  constructor(
    readonly phase: FinalizationPhase,
    cause: unknown,
  ) {
    super(`${phase}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** The source told counts from before the day was over: an answer that some cache kept, say. */
export class CountedTooEarlyError extends Error {
  override readonly name = "CountedTooEarlyError";
  constructor(countedAt: Date, closesAt: Date) {
    super(`votes were counted at ${countedAt.toISOString()}, before the day was over (${closesAt.toISOString()})`);
  }
}

/** What was backed up is not what was counted. Nothing was flushed. */
export class BackupMismatchError extends Error {
  override readonly name = "BackupMismatchError";
  constructor(readonly appIds: readonly string[]) {
    super(`${appIds.length} backups are missing or are not what was counted: ${appIds.slice(0, 5).join(", ")}`);
  }
}

export interface FinalizeDeps {
  stores: LaunchStores;
  source: VoteSource;
  /** Asks for the flush of a day; never waits for it. */
  requestFlush: (date: string) => Promise<unknown>;
  now: () => Date;
  /** Records read or written at a time. */
  batchSize?: number;
  /** Told of every point at which a crash could leave something half done. For tests. */
  at?: (point: string) => void;
}

/** @throws {DayNotOverError} {FinalizeStepError} */
export async function finalizeDay(deps: FinalizeDeps, date: string): Promise<FinalizeReport> {
  const { stores, now } = deps;
  const day = await readLaunchDayRow(stores.pool, date);
  if (day === null || day.closesAt === null) return nothingLaunched(date);
  if (day.closesAt > now()) throw new DayNotOverError(date);
  if (day.finalizedAt !== null) return alreadyFinal(stores, date, day.apps);
  let record = await inPhase("find", () => stores.archive.takeUp(date, now()));
  const before = record.phase;
  while (record.phase !== "final") {
    const { phase } = record;
    deps.at?.(`before ${phase}`);
    try {
      await STEPS[phase](deps, date, record);
    } catch (error) {
      await stores.archive.recordError(date, phase, messageOf(error), now()).catch(() => undefined);
      throw new FinalizeStepError(phase, error);
    }
    deps.at?.(`after ${phase}`);
    record = await inPhase(phase, () => readRecord(stores, date));
  }
  await inPhase("final", () => markDayFinalized(stores.pool, date));
  return before === "final" ? alreadyFinal(stores, date, day.apps) : report(record);
}

type Step = (deps: FinalizeDeps, date: string, record: FinalizationRecord) => Promise<unknown>;

const STEPS: Record<Exclude<FinalizationPhase, "final">, Step> = {
  /** The day's apps are known: none can come any more, and each has its record. */
  find: async ({ stores, at }, date) => {
    await closeLaunchDay(stores.pool, date);
    at?.("inside find");
    await addMissingRecords(stores, date);
    await stores.archive.advance(date, { from: "find", to: "snapshot" });
  },

  snapshot: async ({ stores, source, at }, date) => {
    const day = await readLaunchDayRow(stores.pool, date);
    if (day?.snapshotAt === null) {
      const { countedAt, votes } = await source.count(date);
      if (day.closesAt !== null && countedAt < day.closesAt) throw new CountedTooEarlyError(countedAt, day.closesAt);
      at?.("inside snapshot");
      await takeSnapshot(stores.pool, { date, countedAt, given: votes });
    }
    const taken = await readLaunchDayRow(stores.pool, date);
    const facts = { source: taken?.source ?? null, countedAt: taken?.countedAt ?? null };
    await stores.archive.advance(date, { from: "snapshot", to: "backup" }, facts);
  },

  backup: async ({ stores, now, at, batchSize = RECORDS_PER_BATCH }, date) => {
    const backedUpAt = now();
    for (const batch of batchesOf(await readFinalApps(stores.pool, date), batchSize)) {
      const records = await stores.archive.findApps(
        date,
        batch.map(({ appId }) => appId),
      );
      const backups = batch.map((app) => backupOf(date, app, records.get(app.appId)?.likes ?? 0, backedUpAt));
      await stores.archive.addBackups(backups);
      at?.("inside backup");
    }
    await stores.archive.advance(date, { from: "backup", to: "verify" });
  },

  /** Reads every backup and holds it against what was counted. */
  verify: async ({ stores, at, batchSize = RECORDS_PER_BATCH }, date) => {
    const wrong: string[] = [];
    for (const batch of batchesOf(await readFinalApps(stores.pool, date), batchSize)) {
      const ids = batch.map(({ appId }) => appId);
      const backups = await stores.archive.findBackups(date, ids);
      wrong.push(...batch.filter((app) => !isBackupOf(date, app, backups.get(app.appId))).map(({ appId }) => appId));
      at?.("inside verify");
    }
    if (wrong.length > 0) throw new BackupMismatchError(wrong);
    await stores.archive.advance(date, { from: "verify", to: "flush" });
  },

  flush: async ({ stores, requestFlush, now, at }, date) => {
    const flush = { state: "pending" as const, attempts: 0, lastError: null, requestedAt: now(), doneAt: null };
    await stores.archive.advance(date, { from: "flush", to: "count" }, { flush });
    at?.("inside flush");
    // Whoever looks after unflushed days asks again when this is lost.
    await requestFlush(date).catch(() => undefined);
  },

  count: async ({ stores, now, at, batchSize = RECORDS_PER_BATCH }, date) => {
    const apps = await readFinalApps(stores.pool, date);
    const finalizedAt = now();
    for (const batch of batchesOf(apps, batchSize)) {
      await stores.archive.writeResults(date, batch.map(resultOf), finalizedAt);
      at?.("inside count");
    }
    const seal = sealOf(date, apps);
    const totalVotes = apps.reduce((sum, { votes }) => sum + votes, 0);
    const facts = { apps: apps.length, totalVotes, top3: podium(apps), seal, finalizedAt };
    await stores.archive.advance(date, { from: "count", to: "announce" }, facts);
  },

  /** Sealed first: whoever hears of it asks at once, and is to find it. Told twice rather than not at all. */
  announce: async ({ stores, now, at }, date, { apps, top3, seal }) => {
    await sealLaunchDay(stores.pool, { date, seal: seal as string });
    const body = { date, updated: apps ?? 0, top3 };
    await publishBroadcast(stores.redis, stores.names, { event: "launch:finalized", body });
    at?.("inside announce");
    await stores.archive.advance(date, { from: "announce", to: "final" }, { announcedAt: now() });
  },
};

export const FINALIZE_POINTS: readonly string[] = Object.keys(STEPS).flatMap((phase) => [
  `before ${phase}`,
  `inside ${phase}`,
  `after ${phase}`,
]);

function backupOf(date: string, app: FinalApp, originalLikes: number, backedUpAt: Date): VoteBackupRecord {
  const { appId, votes, rank, reachedAt, identity } = app;
  const checksum = checksumOf(date, app);
  const result = { appId, launchDate: date, votes, rank, reachedAt };
  return { _id: launchKey(date, appId), ...result, originalLikes, backedUpAt, app: identity, checksum };
}

function isBackupOf(date: string, app: FinalApp, backup: VoteBackupRecord | undefined): boolean {
  if (backup === undefined) return false;
  const expected = checksumOf(date, app);
  return backup.checksum === expected && checksumOf(date, backup) === expected;
}

const resultOf = ({ appId, votes, rank, reachedAt, identity }: FinalApp): AppResult => ({
  appId,
  likes: votes,
  rank,
  reachedAt,
  app: identity,
});

async function readRecord({ archive }: LaunchStores, date: string): Promise<FinalizationRecord> {
  const record = await archive.findDay(date);
  if (record === null) throw new Error("the day's document is gone");
  return record;
}

async function inPhase<T>(phase: FinalizationPhase, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new FinalizeStepError(phase, error);
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function report({ apps, top3, seal }: FinalizationRecord): FinalizeReport {
  const updated = apps ?? 0;
  const message = `Finalized ${updated} ${updated === 1 ? "app" : "apps"} with vote backup`;
  return { success: true, updated, alreadyFinal: 0, top3, backupCreated: updated, message, seal };
}

async function alreadyFinal(stores: LaunchStores, date: string, apps: number): Promise<FinalizeReport> {
  const record = await inPhase("final", () => stores.archive.findDay(date));
  const message = `All ${apps} apps were finalized before`;
  const { top3 = [], seal = null } = record ?? {};
  return { success: true, updated: 0, alreadyFinal: apps, top3, backupCreated: 0, message, seal };
}

const nothingLaunched = (date: string): FinalizeReport => ({
  success: true,
  updated: 0,
  alreadyFinal: 0,
  top3: [],
  backupCreated: 0,
  message: `Nothing was launched on ${date}`,
  seal: null,
});
