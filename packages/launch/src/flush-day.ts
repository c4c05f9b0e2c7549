/**
 * Lets the source of a day's votes go of them. A job of its own, tried with growing pauses until it is done; the result of the
 * day does not wait for it, and stands whatever becomes of it. Only what a backup says is flushed.
 */
import { RECORDS_PER_BATCH } from "@votesync/mongo-store";
import { batchesOf } from "./batches.js";
import { readFinalApps } from "./final-apps.js";
import type { LaunchStores } from "./launch-stores.js";
import type { VoteSource } from "./vote-source.js";

export interface FlushReport {
  flushed: number;
  /** The source kept some: to be asked again. */
  left: number;
}

/** The source was asked and has not let go of everything. */
export class FlushIncompleteError extends Error {
  override readonly name = "FlushIncompleteError";
  constructor(readonly left: number) {
    super(`the source has not flushed ${left} apps`);
  }
}

export interface FlushDeps {
  stores: LaunchStores;
  source: VoteSource;
  now: () => Date;
  /** Apps flushed at a time. */
  batchSize?: number;
  /** Told of every point at which a crash could leave something half done. For tests. */
  at?: (point: string) => void;
}

/**
 * @param o.isLastTry what failed stays failed until somebody looks after it
 * @throws what the source throws, after it was written down
 */
export async function flushDay(deps: FlushDeps, o: { date: string; isLastTry: boolean }): Promise<FlushReport> {
  const { archive, pool } = deps.stores;
  const day = await archive.findDay(o.date);
  if (day?.flush === null || day === null) throw new Error("nobody asked for a flush of this day");
  const apps = await readFinalApps(pool, o.date);
  if (day.flush.state === "done") return { flushed: apps.length, left: 0 };
  try {
    let left = 0;
    for (const batch of batchesOf(apps, deps.batchSize ?? RECORDS_PER_BATCH))
      left += await flushBatch(deps, o.date, batch);
    if (left > 0) throw new FlushIncompleteError(left);
    await archive.recordFlush(o.date, { doneAt: deps.now() });
    return { flushed: apps.length, left };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    await archive.recordFlush(o.date, { error: message, isLast: o.isLastTry }).catch(() => undefined);
    throw error;
  }
}

/** @returns how many the source kept */
async function flushBatch(
  { stores, source, at }: FlushDeps,
  date: string,
  batch: readonly { appId: string; votes: number }[],
): Promise<number> {
  const asked = batch.map(({ appId, votes }) => ({ appId, votes }));
  at?.("before flushing");
  const flushed = new Set(await source.flush(date, asked));
  at?.("inside flushing");
  const done = asked.filter(({ appId }) => flushed.has(appId)).map(({ appId }) => appId);
  await stores.archive.markFlushed(date, done);
  at?.("after flushing");
  return asked.length - done.length;
}

export const FLUSH_POINTS: readonly string[] = ["before flushing", "inside flushing", "after flushing"];
