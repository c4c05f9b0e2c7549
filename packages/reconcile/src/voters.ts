/** Who voted what, in Redis and in the rows. Compared only while nothing of the project is on its way. */
import type { VoteType } from "@votesync/core";
import { readVoterRows } from "@votesync/postgres-store";
import { readProjectStates, readVoters } from "@votesync/redis-store";
import type { Stores } from "./stores.js";

/** A project with more votes than this is compared by its counters alone. */
const MAX_VOTERS = 10_000;
const LOOKS = 5;

export interface WrongVoter {
  projectId: string;
  userId: string;
  redis: VoteType;
  row: VoteType;
}

export async function findWrongVoters(stores: Stores, projectIds: readonly string[]): Promise<WrongVoter[]> {
  const wrong: WrongVoter[] = [];
  for (const projectId of projectIds) wrong.push(...(await lookAt(stores, projectId)));
  return wrong;
}

async function lookAt(stores: Stores, projectId: string): Promise<WrongVoter[]> {
  for (let look = 1; look <= LOOKS; look++) {
    const found = await lookOnce(stores, projectId);
    if (found !== null) return found;
  }
  // It never stood still: its counters were compared at the watermark, and the next verification looks again.
  return [];
}

/** `null`: a vote came in meanwhile. */
async function lookOnce(stores: Stores, projectId: string): Promise<WrongVoter[] | null> {
  const { redis, names, pool } = stores;
  const before = (await readProjectStates(redis, names, [projectId])).get(projectId);
  if (before === undefined || before.isHeld) return [];
  const voters = await readVoters(redis, names, { projectId, period: before.period, max: MAX_VOTERS });
  const rows = await readVoterRows(pool, { projectId, period: before.period, max: MAX_VOTERS });
  if (voters === null || rows === null) return [];
  const after = (await readProjectStates(redis, names, [projectId])).get(projectId);
  if (after?.version !== before.version || rows.version !== before.version) return null;
  return compareVoters(projectId, voters, rows.votes);
}

function compareVoters(
  projectId: string,
  voters: { isComplete: boolean; votes: Map<string, VoteType> },
  rows: Map<string, VoteType>,
): WrongVoter[] {
  // A partial project holds only some of them.
  const users = new Set([...voters.votes.keys(), ...(voters.isComplete ? rows.keys() : [])]);
  return [...users].flatMap((userId) => {
    const redis = voters.votes.get(userId) ?? "none";
    const row = rows.get(userId) ?? "none";
    return redis === row ? [] : [{ projectId, userId, redis, row }];
  });
}
