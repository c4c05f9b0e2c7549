/**
 * Ends periods whose instant has passed, for whoever does not wait for the next vote: watchers hear of it within a second, and
 * the end of a day knows what it counts. The step itself is one script, the same that every vote runs first, so it does not
 * matter who comes first, or how late.
 */
import { findDueProjects } from "@votesync/postgres-store";
import type { ProjectLoader, Stores } from "@votesync/reconcile";
import { closePeriod, type PeriodState } from "@votesync/redis-store";

const PROJECTS_PER_RUN = 1_000;
const PROJECTS_AT_ONCE = 64;
/** Absent → loaded → ended, and once more for one that was held in between. */
const MAX_TRIES = 3;

export type EndedPeriod = Extract<PeriodState, { kind: "open" }>;

/** @returns whether there may be more */
export async function endDuePeriods(stores: Stores, loader: ProjectLoader): Promise<boolean> {
  const due = await findDueProjects(stores.pool, PROJECTS_PER_RUN);
  await endPeriods(stores, loader, due);
  return due.length >= PROJECTS_PER_RUN;
}

/**
 * How projects stand in Redis once every instant that has passed is behind them.
 * @throws {ShardBehindError} and what the stores throw; asking again is safe
 */
export async function endPeriods(
  stores: Stores,
  loader: ProjectLoader,
  projectIds: readonly string[],
): Promise<Map<string, EndedPeriod>> {
  const ended = new Map<string, EndedPeriod>();
  for (let from = 0; from < projectIds.length; from += PROJECTS_AT_ONCE) {
    const batch = projectIds.slice(from, from + PROJECTS_AT_ONCE);
    const states = await Promise.all(batch.map((id) => endPeriod(stores, loader, id)));
    batch.forEach((id, i) => {
      ended.set(id, states[i] as EndedPeriod);
    });
  }
  return ended;
}

/** A project that is not in Redis, or is held, is read from PostgreSQL first: its instants come with it. */
async function endPeriod(stores: Stores, loader: ProjectLoader, projectId: string): Promise<EndedPeriod> {
  for (let i = 0; i < MAX_TRIES; i++) {
    const state = await closePeriod(stores.redis, stores.names, projectId);
    if (state.kind === "open") return state;
    if (!(await loader.load(projectId, state))) throw new Error(`there is no project ${projectId}`);
  }
  throw new Error(`project ${projectId} kept being held`);
}
