/**
 * Ends periods whose instant has passed, for whoever does not wait for the next vote: watchers hear of it within a second, and
 * the end of a day knows what it counts. The step itself is one script, the same that every vote runs first, so it does not
 * matter who comes first, or how late. A project in trouble of its own keeps no other from its end.
 */
import { findDueProjects } from "@votesync/postgres-store";
import { type ProjectLoader, ShardBehindError, type Stores } from "@votesync/reconcile";
import { closePeriod, isOneKeysTrouble, type PeriodState, unlessDamaged } from "@votesync/redis-store";

const PROJECTS_PER_RUN = 1_000;
const PROJECTS_AT_ONCE = 64;
/** Absent → loaded → ended, and once more for one that was held in between. */
const MAX_TRIES = 3;
/** Where so many are in trouble it is none of their own: each may wait for its shard, and the others would wait for all of them. */
const MAX_FAILED = 64;

export type EndedPeriod = Extract<PeriodState, { kind: "open" }>;

export interface EndedPeriods {
  /** How projects stand in Redis once every instant that has passed is behind them. */
  ended: Map<string, EndedPeriod>;
  /** Project → why its period could not be ended. Trying again is safe. */
  failed: Map<string, Error>;
}

/** Its project cannot be ended, whatever the stores do. */
class PeriodNotEndedError extends Error {
  override readonly name = "PeriodNotEndedError";
}

/**
 * @param onFailed told of projects whose periods could not be ended, and why; the next run tries again
 * @returns whether there may be more
 */
export async function endDuePeriods(
  stores: Stores,
  loader: ProjectLoader,
  onFailed: (failed: EndedPeriods["failed"]) => void,
): Promise<boolean> {
  const due = await findDueProjects(stores.pool, PROJECTS_PER_RUN);
  const { ended, failed } = await endPeriods(stores, loader, due);
  if (failed.size > 0) onFailed(failed);
  return due.length >= PROJECTS_PER_RUN && ended.size > 0;
}

/** @throws what the stores throw when they cannot be used at all */
export async function endPeriods(
  stores: Stores,
  loader: ProjectLoader,
  projectIds: readonly string[],
): Promise<EndedPeriods> {
  const result: EndedPeriods = { ended: new Map(), failed: new Map() };
  for (let from = 0; from < projectIds.length && result.failed.size < MAX_FAILED; from += PROJECTS_AT_ONCE) {
    const batch = projectIds.slice(from, from + PROJECTS_AT_ONCE);
    await Promise.all(batch.map((id) => endInto(result, stores, loader, id)));
  }
  return result;
}

async function endInto(result: EndedPeriods, stores: Stores, loader: ProjectLoader, id: string): Promise<void> {
  try {
    result.ended.set(id, await endPeriod(stores, loader, id));
  } catch (error) {
    if (!isItsOwnTrouble(error)) throw error;
    result.failed.set(id, error);
  }
}

function isItsOwnTrouble(error: unknown): error is Error {
  return error instanceof PeriodNotEndedError || error instanceof ShardBehindError || isOneKeysTrouble(error);
}

/**
 * A project that is not in Redis, or is held, is read from PostgreSQL first: its instants come with it. So is one whose keys are
 * damaged.
 */
async function endPeriod(stores: Stores, loader: ProjectLoader, projectId: string): Promise<EndedPeriod> {
  for (let i = 0; i < MAX_TRIES; i++) {
    const state = await unlessDamaged(closePeriod(stores.redis, stores.names, projectId));
    if (state?.kind === "open") return state;
    const exists = state ? await loader.load(projectId, state) : await loader.reload(projectId, "redis-drift");
    if (!exists) throw new PeriodNotEndedError(`there is no project ${projectId}`);
  }
  throw new PeriodNotEndedError(`project ${projectId} kept being held`);
}
