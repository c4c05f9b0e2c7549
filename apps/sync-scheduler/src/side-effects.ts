/**
 * What follows from votes besides their rows: messages to the projects' owners, the owners' scores, lists that are out
 * of date. Never part of a request.
 *
 * Everything is computed from what PostgreSQL holds now, not from the job: running it twice, late, or side by side comes
 * to the same. The sweep walks all projects in slices and does the same work, so a lost job only means later.
 */
import { notificationView, type RedisNames } from "@votesync/core";
import { notifyOwners, notifyOwnersOfSlice, pushNotifications, refreshOwnerScores } from "@votesync/postgres-store";
import { invalidateLists, publishOutcome, type RedisClient } from "@votesync/redis-store";
import type pg from "pg";

/** Notifications told in one transaction. */
const PUSHED_AT_ONCE = 200;
/** So much is pushed in one run; the rest waits for the next. */
const MAX_PUSHES = 50;

export interface SideEffectsDeps {
  pool: pg.Pool;
  redis: RedisClient;
  names: RedisNames;
  /** Projects a sweep looks at in one statement, and how many statements one sweep has. */
  sweepSlice?: number;
  sweepSlices?: number;
}

/** 20 slices: an installation of 100,000 projects is looked through with every sweep. */
const SWEEP = { slice: 5_000, slices: 20 };

export interface SideEffectsDone {
  projects: number;
  notified: number;
  scores: number;
  pushed: number;
}

export class SideEffects {
  /** Up to which project the sweep has come; a process that starts begins at the first. */
  private sweptUntil = "";

  constructor(private readonly deps: SideEffectsDeps) {}

  /** For projects whose votes have become rows. */
  async votesApplied(projectIds: readonly string[]): Promise<SideEffectsDone> {
    const { pool, redis, names } = this.deps;
    const found = await notifyOwners(pool, projectIds);
    const scores = await refreshOwnerScores(pool, found.ownerIds);
    await invalidateLists(redis, names);
    return { projects: found.projectIds.length, notified: found.notified, scores, pushed: await this.push() };
  }

  /** For the next slices of all projects, from the first again after the last. */
  async sweep(signal: AbortSignal): Promise<SideEffectsDone> {
    const { pool, sweepSlice: limit = SWEEP.slice, sweepSlices = SWEEP.slices } = this.deps;
    const total = { projects: 0, notified: 0, scores: 0 };
    const owners = new Set<string>();
    for (let slice = 0; slice < sweepSlices && !signal.aborted; slice++) {
      const found = await notifyOwnersOfSlice(pool, { afterId: this.sweptUntil, limit });
      for (const ownerId of found.ownerIds) owners.add(ownerId);
      total.projects += found.projectIds.length;
      total.notified += found.notified;
      const isLast = found.projectIds.length < limit;
      this.sweptUntil = isLast ? "" : (found.projectIds.at(-1) as string);
      if (isLast) break;
    }
    // Once per owner and not once per slice: an owner's projects may stand in all of them.
    const ownerIds = [...owners];
    for (let at = 0; at < ownerIds.length && !signal.aborted; at += limit) {
      total.scores += await refreshOwnerScores(pool, ownerIds.slice(at, at + limit));
    }
    return { ...total, pushed: await this.push() };
  }

  private async push(): Promise<number> {
    const { pool, redis, names } = this.deps;
    let pushed = 0;
    for (let run = 0; run < MAX_PUSHES; run++) {
      const told = await pushNotifications(pool, PUSHED_AT_ONCE, (userId, notification) =>
        publishOutcome(redis, names, { userId, event: "notification", body: notificationView(notification) }),
      );
      pushed += told;
      if (told < PUSHED_AT_ONCE) break;
    }
    return pushed;
  }
}
