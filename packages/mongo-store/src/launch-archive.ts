/**
 * Reads and writes of launch days in MongoDB. Every call has a deadline of its own; a write that was given up may still
 * arrive, and each is made so that it does no harm then: by id, with the same content, or guarded by the phase.
 */
import { withDeadline } from "@votesync/service-kit";
import type { Connection, Model, UpdateQuery } from "mongoose";
import {
  type FinalizationPhase,
  type FinalizationRecord,
  type LaunchAppIdentity,
  type LaunchAppRecord,
  type LaunchModels,
  launchKey,
  launchModels,
  type VoteBackupRecord,
} from "./launch-records.js";

const READ_MS = 5_000;
const WRITE_MS = 10_000;
/** Of one batch. */
const BULK_MS = 30_000;
export const RECORDS_PER_BATCH = 500;

/** The result of one app, to be written into its record. */
export interface AppResult {
  appId: string;
  likes: number;
  rank: number;
  reachedAt: Date | null;
  app: LaunchAppIdentity;
}

export interface MendedApp {
  record: LaunchAppRecord;
  /** As it was read; `undefined` when it was lost. */
  seen: LaunchAppRecord | undefined;
}

export class LaunchArchive {
  private readonly models: LaunchModels;

  constructor(connection: Connection) {
    this.models = launchModels(connection);
  }

  /** For `votesync migrate`; safe to repeat. */
  async ensureIndexes(): Promise<void> {
    const { apps, backups, finalizations } = this.models;
    for (const model of [apps, backups, finalizations]) {
      await withDeadline(() => model.createIndexes(), BULK_MS, "making indexes");
    }
  }

  // --- apps -----------------------------------------------------------------------------------------------------------

  /** Makes the records of apps that have none. */
  async addApps(date: string, apps: readonly { appId: string; app: LaunchAppIdentity }[]): Promise<void> {
    const records = apps.map(({ appId, app }) => ({ _id: launchKey(date, appId), ...newRecord(date, appId, app) }));
    await this.insertMissing(this.models.apps, records);
  }

  /** Records of these apps; those that are missing are not in it. As they stand, also what nobody here wrote. */
  async findApps(date: string, appIds: readonly string[]): Promise<Map<string, LaunchAppRecord>> {
    const keys = appIds.map((appId) => launchKey(date, appId));
    const found = await this.read(this.models.apps, keys);
    return new Map(found.map((app) => [appIdOf(date, app), app]));
  }

  /** Every record of the day, whether its launch is known or not, in pages by id. */
  appPages(date: string): AsyncGenerator<LaunchAppRecord[]> {
    return this.pages(this.models.apps, date);
  }

  /**
   * Writes final counts; a record that was lost is made again.
   * @returns how many records were changed or made
   */
  async writeResults(date: string, results: readonly AppResult[], finalizedAt: Date): Promise<number> {
    const operations = results.map(({ appId, likes, rank, reachedAt, app }) => {
      const {
        likes: _likes,
        rank: _rank,
        reachedAt: _reachedAt,
        finalizedAt: _finalizedAt,
        ...rest
      } = newRecord(date, appId, app);
      return {
        updateOne: {
          filter: { _id: launchKey(date, appId) },
          update: { $set: { likes, rank, reachedAt, finalizedAt }, $setOnInsert: rest },
          upsert: true,
        },
      };
    });
    const { modifiedCount, upsertedCount } = await this.bulk(() =>
      this.models.apps.bulkWrite(operations as never, { ordered: false }),
    );
    return modifiedCount + upsertedCount;
  }

  /**
   * Puts whole records in the place of what was read, or of nothing. One that was marked flushed, made or removed since then
   * stays as it is, so whoever calls reads again.
   */
  async mendApps(mended: readonly MendedApp[]): Promise<void> {
    const lost = mended.filter(({ seen }) => seen === undefined).map(({ record }) => record);
    if (lost.length > 0) await this.insertMissing(this.models.apps, lost);
    const operations = mended.flatMap(({ record, seen }) => {
      if (seen === undefined) return [];
      const { _id } = record;
      const { votingFlushed } = seen;
      const filter = typeof votingFlushed === "boolean" ? { _id, votingFlushed } : { _id };
      return [{ replaceOne: { filter, replacement: record } }];
    });
    if (operations.length === 0) return;
    await this.bulk(() => this.models.apps.bulkWrite(operations as never, { ordered: false }));
  }

  async markFlushed(date: string, appIds: readonly string[]): Promise<void> {
    const keys = appIds.map((appId) => launchKey(date, appId));
    await withDeadline(
      () => this.models.apps.updateMany({ _id: { $in: keys } }, { $set: { votingFlushed: true } }),
      BULK_MS,
      "marking apps flushed",
    );
  }

  // --- backups --------------------------------------------------------------------------------------------------------

  /** Those that are there already stay as they are. */
  async addBackups(backups: readonly VoteBackupRecord[]): Promise<void> {
    await this.insertMissing(this.models.backups, backups);
  }

  async findBackups(date: string, appIds: readonly string[]): Promise<Map<string, VoteBackupRecord>> {
    const keys = appIds.map((appId) => launchKey(date, appId));
    const found = await this.read(this.models.backups, keys);
    return new Map(found.map((backup) => [appIdOf(date, backup), backup]));
  }

  backupPages(date: string): AsyncGenerator<VoteBackupRecord[]> {
    return this.pages(this.models.backups, date);
  }

  /** Removes a day's backups, once their time is up. */
  async removeBackups(date: string, now: Date): Promise<void> {
    await withDeadline(() => this.models.backups.deleteMany({ launchDate: date }), BULK_MS, "removing backups");
    await this.update({ _id: date, phase: "final" }, { $set: { backupsRemovedAt: now } });
  }

  // --- the day --------------------------------------------------------------------------------------------------------

  async findDay(date: string): Promise<FinalizationRecord | null> {
    return withDeadline(
      (signal) => this.models.finalizations.findById(date, null, { signal }).lean<FinalizationRecord>().exec(),
      READ_MS,
      "reading a launch day",
    );
  }

  /** Days that are final and keep their backups for longer than they should. */
  async findExpiredBackups(finalizedBefore: Date, limit: number): Promise<string[]> {
    const days = await withDeadline(
      (signal) =>
        this.models.finalizations
          .find(
            { phase: "final", backupsRemovedAt: null, finalizedAt: { $lt: finalizedBefore } },
            { _id: 1 },
            { signal },
          )
          .limit(limit)
          .lean<{ _id: string }[]>()
          .exec(),
      READ_MS,
      "reading launch days",
    );
    return days.map(({ _id }) => _id);
  }

  /** Days whose votes were not flushed, in pages: those that cannot be are in no later day's way. */
  async *unflushedPages(): AsyncGenerator<string[]> {
    for (let afterId = ""; ; ) {
      const filter = { "flush.state": { $in: ["pending", "failed"] }, _id: { $gt: afterId } } as never;
      const days = await withDeadline(
        (signal) =>
          this.models.finalizations
            .find(filter, { _id: 1 }, { signal })
            .sort({ _id: 1 })
            .limit(RECORDS_PER_BATCH)
            .lean<{ _id: string }[]>()
            .exec(),
        READ_MS,
        "reading launch days",
      );
      if (days.length > 0) yield days.map(({ _id }) => _id);
      if (days.length < RECORDS_PER_BATCH) return;
      afterId = (days.at(-1) as { _id: string })._id;
    }
  }

  /** Takes the day's work up: its document is made, or an attempt is counted. */
  async takeUp(date: string, now: Date): Promise<FinalizationRecord> {
    const fresh = { phase: "find", startedAt: now, lastError: null, source: null, countedAt: null, apps: null };
    const rest = { totalVotes: null, top3: [], seal: null, flush: null, announcedAt: null, finalizedAt: null };
    await withDeadline(
      () =>
        this.models.finalizations.updateOne(
          { _id: date },
          { $setOnInsert: { ...fresh, ...rest, backupsRemovedAt: null }, $inc: { attempts: 1 } },
          { upsert: true },
        ),
      WRITE_MS,
      "taking up a launch day",
    ).catch(asDone);
    return (await this.findDay(date)) as FinalizationRecord;
  }

  /** Moves the day on, unless somebody else has. @returns whether this call did */
  async advance(
    date: string,
    step: { from: FinalizationPhase; to: FinalizationPhase },
    facts: Partial<FinalizationRecord> = {},
  ): Promise<boolean> {
    return this.update({ _id: date, phase: step.from }, { $set: { ...facts, phase: step.to, lastError: null } });
  }

  async recordError(date: string, phase: FinalizationPhase, message: string, at: Date): Promise<void> {
    await this.update({ _id: date, phase: { $ne: "final" } }, { $set: { lastError: { phase, message, at } } });
  }

  /** What came of a try to flush. A flush that is done stays done. */
  async recordFlush(date: string, outcome: { error: string; isLast: boolean } | { doneAt: Date }): Promise<void> {
    const set: Record<string, unknown> =
      "doneAt" in outcome
        ? { "flush.state": "done", "flush.doneAt": outcome.doneAt, "flush.lastError": null }
        : { "flush.state": outcome.isLast ? "failed" : "pending", "flush.lastError": outcome.error };
    await this.update(
      { _id: date, "flush.state": { $in: ["pending", "failed"] } },
      { $set: set, $inc: { "flush.attempts": 1 } },
    );
  }

  private async update(filter: Record<string, unknown>, update: UpdateQuery<FinalizationRecord>): Promise<boolean> {
    const { matchedCount } = await withDeadline(
      () => this.models.finalizations.updateOne(filter as never, update),
      WRITE_MS,
      "writing a launch day",
    );
    return matchedCount === 1;
  }

  /** Inserts are several times as fast as upserts, and what is there already is not touched either. */
  private async insertMissing<T>(model: Model<T>, records: readonly T[]): Promise<void> {
    await this.bulk(() => model.insertMany(records as never, { ordered: false, lean: true }).then(noop, ifAllDone));
  }

  private async bulk<T>(write: () => Promise<T>): Promise<T> {
    return withDeadline(write, BULK_MS, "writing a batch");
  }

  private async read<T>(model: Model<T>, keys: string[]): Promise<T[]> {
    return withDeadline(
      (signal) =>
        model
          .find({ _id: { $in: keys } } as never, null, { signal })
          .lean<T[]>()
          .exec(),
      BULK_MS,
      "reading a batch",
    );
  }

  private async *pages<T extends { _id: string }>(model: Model<T>, date: string): AsyncGenerator<T[]> {
    for (let afterId = ""; ; ) {
      const filter = { launchDate: date, _id: { $gt: afterId } } as never;
      const page = await withDeadline(
        (signal) => model.find(filter, null, { signal }).sort({ _id: 1 }).limit(RECORDS_PER_BATCH).lean<T[]>().exec(),
        BULK_MS,
        "reading a page",
      );
      if (page.length > 0) yield page;
      if (page.length < RECORDS_PER_BATCH) return;
      afterId = (page.at(-1) as T)._id;
    }
  }
}

/** An app's record before its day is final. */
export function newRecord(date: string, appId: string, app: LaunchAppIdentity): Omit<LaunchAppRecord, "_id"> {
  const { name, ownerId, opensAt, closesAt, createdAt } = app;
  const before = { likes: 0, rank: null, reachedAt: null, finalizedAt: null, votingFlushed: false };
  return { appId, launchDate: date, name, ownerId, opensAt, closesAt, createdAt, ...before };
}

/** By its id: what else a record says may have been changed by hand. */
const appIdOf = (date: string, { _id }: { _id: string }) => _id.slice(launchKey(date, "").length);

const DUPLICATE_KEY = 11_000;
const noop = () => undefined;

/** Two who write the same id at once: the server refuses the second, whose work is done. */
function asDone(error: unknown): void {
  if ((error as { code?: unknown }).code !== DUPLICATE_KEY) throw error;
}

/** Of a batch: whether nothing but such refusals came back. */
function ifAllDone(error: unknown): void {
  const { writeErrors } = error as { writeErrors?: { code?: unknown } | { code?: unknown }[] };
  const errors = [writeErrors ?? []].flat();
  if (errors.length === 0 || errors.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
}
