/**
 * Votes that votesync counts itself. A day's counts are certain once every project's period has ended in Redis, the shards'
 * watermarks have passed those ends, and nothing of them is parked or past Redis: from then on the period's rows cannot change.
 */
import { setTimeout as delay } from "node:timers/promises";
import { compareStreamIds } from "@votesync/core";
import { findUnsettledLaunches, launchPages, readEndedPeriods, readShardProgress } from "@votesync/postgres-store";
import { ProjectLoader, type Stores } from "@votesync/reconcile";
import { endPeriods } from "./end-due-periods.js";
import type { FlushedApp, VoteCountsOfDay, VoteSource } from "./vote-source.js";

const LAUNCHES_PER_PAGE = 1_000;
/** Longer than a parked vote is tried; after that, the work is taken up again later. */
const SETTLE_MS = 40_000;
const POLL_MS = 100;
const COMMANDS_AT_ONCE = 100;
const NAMED = 5;

/** Votes of the day are still on their way into rows. */
export class DayNotSettledError extends Error {
  override readonly name = "DayNotSettledError";
  constructor(what: string) {
    super(`votes of the day are still on their way: ${what}`);
  }
}

/** Every other period of the day has ended. */
export class PeriodsNotEndedError extends Error {
  override readonly name = "PeriodsNotEndedError";
  constructor(readonly failed: ReadonlyMap<string, Error>) {
    const named = [...failed].slice(0, NAMED).map(([id, { message }]) => `${id} (${message})`);
    super(`the periods of ${failed.size} apps could not be ended: ${named.join(", ")}`);
  }
}

export class OwnVotesSource implements VoteSource {
  readonly name = "votesync";
  private readonly loader: ProjectLoader;

  constructor(
    private readonly stores: Stores,
    private readonly settleMs = SETTLE_MS,
  ) {
    this.loader = new ProjectLoader(stores);
  }

  async count(date: string): Promise<VoteCountsOfDay> {
    const giveUpAtMs = performance.now() + this.settleMs;
    const behind = await this.endAll(date);
    await this.untilSettled(() => this.findBehind(behind), giveUpAtMs);
    await this.untilSettled(() => this.findWaiting(date), giveUpAtMs);
    return { countedAt: new Date() };
  }

  /** Deletes who voted what in periods that are over: their rows are backed up, and everybody may vote anew already. */
  async flush(date: string, apps: readonly FlushedApp[]): Promise<string[]> {
    const { redis, names, pool } = this.stores;
    const ids = apps.map(({ appId }) => appId);
    const periods = await readEndedPeriods(pool, ids, date);
    const keys = [...periods].flatMap(([id, last]) => range(last).map((period) => ({ id, period })));
    for (let from = 0; from < keys.length; from += COMMANDS_AT_ONCE) {
      const batch = keys.slice(from, from + COMMANDS_AT_ONCE);
      await Promise.all(batch.map(({ id, period }) => redis.unlink(names.votes(id, period))));
    }
    return ids;
  }

  /**
   * @returns shard → the last event that must be applied
   * @throws {PeriodsNotEndedError} once all others have ended
   */
  private async endAll(date: string): Promise<Map<number, string>> {
    const { names, pool } = this.stores;
    const last = new Map<number, string>();
    const notEnded = new Map<string, Error>();
    for await (const page of launchPages(pool, date, LAUNCHES_PER_PAGE)) {
      const ids = page.map(({ projectId }) => projectId);
      const { ended, failed } = await endPeriods(this.stores, this.loader, ids);
      for (const [id, error] of failed) notEnded.set(id, error);
      for (const [id, { lastEventId }] of ended) {
        const shard = names.shardOf(id);
        const known = last.get(shard);
        if (known === undefined || compareStreamIds(lastEventId, known) > 0) last.set(shard, lastEventId);
      }
    }
    if (notEnded.size > 0) throw new PeriodsNotEndedError(notEnded);
    return last;
  }

  private async findBehind(last: ReadonlyMap<number, string>): Promise<string | null> {
    const progress = await readShardProgress(this.stores.pool);
    const behind = [...last].filter(([shard, id]) => compareStreamIds(id, progress.get(shard) ?? "0-0") > 0);
    return behind.length === 0 ? null : `${behind.length} shards are not applied`;
  }

  private async findWaiting(date: string): Promise<string | null> {
    const { open, waiting } = await findUnsettledLaunches(this.stores.pool, date);
    if (open.length + waiting.length === 0) return null;
    const named = [...open, ...waiting].slice(0, NAMED).join(", ");
    return `${open.length} apps are not closed, ${waiting.length} have votes in retry or recovery (${named})`;
  }

  private async untilSettled(find: () => Promise<string | null>, giveUpAtMs: number): Promise<void> {
    for (let what = await find(); what !== null; what = await find()) {
      if (performance.now() >= giveUpAtMs) throw new DayNotSettledError(what);
      await delay(POLL_MS);
    }
  }
}

/** A launch has few periods before it: votes before it opened, and earlier launches, of which most are long flushed. */
const PERIODS_BACK = 2;
const range = (last: number) =>
  Array.from({ length: PERIODS_BACK + 1 }, (_, i) => last - i).filter((period) => period >= 0);
