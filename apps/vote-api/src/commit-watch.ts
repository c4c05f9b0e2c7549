/**
 * Waits until PostgreSQL has a vote, for callers that asked for `"durability": "committed"`.
 *
 * A vote is committed once its request stands in the audit log, and nothing less proves it: a watermark that has passed its event
 * may have passed it because Redis lost the event. However many wait, two queries answer them all, and when nobody waits nothing
 * is asked: the watermark says which requests are worth looking for.
 */
import { setTimeout as delay } from "node:timers/promises";
import { compareStreamIds } from "@votesync/core";
import { findLoggedRequests, readShardProgress } from "@votesync/postgres-store";
import type pg from "pg";

const POLL_MS = 20;

interface Waiter {
  shard: number;
  eventId: string;
  requestId: string;
  settle: (committed: boolean) => void;
}

export class CommitWatch {
  private readonly waiters = new Set<Waiter>();
  private polling = false;

  constructor(private readonly pool: pg.Pool) {}

  /** @returns `false` when it is not committed in time; it may be later */
  committed(event: Omit<Waiter, "settle">, deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (committed: boolean) => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        resolve(committed);
      };
      const waiter = { ...event, settle };
      // Of its own, because a query to a frozen PostgreSQL outlasts it.
      const timer = setTimeout(settle, deadlineMs, false);
      this.waiters.add(waiter);
      if (!this.polling) void this.poll();
    });
  }

  private async poll(): Promise<void> {
    this.polling = true;
    while (this.waiters.size > 0) {
      // PostgreSQL being away is what the deadlines are for.
      await this.settleCommitted().catch(() => undefined);
      await delay(POLL_MS);
    }
    this.polling = false;
  }

  private async settleCommitted(): Promise<void> {
    for (const { settle } of await findCommitted(this.pool, [...this.waiters])) settle(true);
  }
}

/** One look: which of these votes PostgreSQL has. */
export async function findCommitted<V extends { shard: number; eventId: string; requestId: string }>(
  pool: pg.Pool,
  votes: readonly V[],
): Promise<V[]> {
  const progress = await readShardProgress(pool);
  const passed = votes.filter(({ shard, eventId }) => {
    const lastId = progress.get(shard);
    return lastId !== undefined && compareStreamIds(eventId, lastId) <= 0;
  });
  if (passed.length === 0) return [];
  const logged = await findLoggedRequests(
    pool,
    passed.map(({ requestId }) => requestId),
  );
  return passed.filter(({ requestId }) => logged.has(requestId));
}
