/**
 * How many votes a launch has now, exactly: Redis counts while it is open, and its result stands in Redis from the instant it
 * closes until PostgreSQL has it too. Reading ends no period, so it is safe at any moment; a period that is over by the clock
 * and was not ended yet is read as if it had been.
 */
import type { LaunchCounts } from "@votesync/postgres-store";
import type { LaunchState } from "@votesync/redis-store";

export interface VotesNow {
  votes: number;
  /** Since when there are so many; `null` when unknown, or when there are none. */
  reachedAt: Date | null;
}

const NONE: VotesNow = { votes: 0, reachedAt: null };

export function votesNow(launch: LaunchCounts, live: LaunchState | undefined, nowUs: number): VotesNow {
  if (launch.votes !== null) return { votes: launch.votes, reachedAt: launch.reachedAt };
  const opensAtUs = launch.opensAt.getTime() * 1_000;
  const closesAtUs = launch.closesAt.getTime() * 1_000;
  if (nowUs < opensAtUs) return NONE;
  if (live === undefined || live.version < launch.project.version) return votesOfRows(launch);
  if (live.closesAtUs === closesAtUs) {
    // Opened by the clock, but nobody has come since: what is counted there was before.
    return live.opensAtUs === null ? at(live.upvotes, live.version) : NONE;
  }
  const closed = live.closed.get(closesAtUs);
  return closed === undefined ? votesOfRows(launch) : { votes: closed, reachedAt: null };
}

function votesOfRows({ project, closesAt, endedVotes }: LaunchCounts): VotesNow {
  if (project.closesAt?.getTime() === closesAt.getTime()) {
    return project.opensAt === null ? at(project.upvotes, project.version) : NONE;
  }
  return { votes: endedVotes ?? 0, reachedAt: null };
}

/** On a launch, the version of a project is the time of the vote that changed it last. */
const at = (votes: number, version: number): VotesNow =>
  votes === 0 ? NONE : { votes, reachedAt: new Date(version / 1_000) };
