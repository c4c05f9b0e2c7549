/**
 * Who voted what, in Redis and in the rows. Compared only while nothing of the project is on its way. Small projects are read
 * many at a time: one statement and one round trip for 50 of them instead of one each.
 */
import type { VoteType } from "@votesync/core";
import { readVoterRows, type VoterRows } from "@votesync/postgres-store";
import { type ProjectState, readProjectStates, readVoters } from "@votesync/redis-store";
import type { Stores } from "./stores.js";

/** Groups that are read at once. What has too many voters for one goes to the next; past the last its counters are all that is compared. */
const GROUPS = [
  { projects: 50, maxVoters: 400 },
  { projects: 1, maxVoters: 10_000 },
];
const LOOKS = 5;

export interface WrongVoter {
  projectId: string;
  userId: string;
  redis: VoteType;
  row: VoteType;
}

/** @param onFound gets them group by group: all of them together may not fit into memory */
export async function findWrongVoters(
  stores: Stores,
  projectIds: readonly string[],
  onFound: (wrong: WrongVoter[]) => void,
): Promise<void> {
  let open = projectIds;
  for (const { projects, maxVoters } of GROUPS) {
    const tooLarge: string[] = [];
    for (let from = 0; from < open.length; from += projects) {
      const group = new GroupComparison(stores, maxVoters);
      await group.run(open.slice(from, from + projects));
      onFound(group.wrong);
      tooLarge.push(...group.tooLarge);
    }
    open = tooLarge;
  }
}

class GroupComparison {
  readonly wrong: WrongVoter[] = [];
  readonly tooLarge: string[] = [];

  constructor(
    private readonly stores: Stores,
    private readonly max: number,
  ) {}

  /** A project that never stands still is left out: its counters were compared, and the next verification looks again. */
  async run(projectIds: readonly string[]): Promise<void> {
    let open = projectIds;
    for (let look = 1; look <= LOOKS && open.length > 0; look++) open = await this.lookOnce(open);
  }

  /** @returns those on which a vote came in meanwhile */
  private async lookOnce(projectIds: readonly string[]): Promise<string[]> {
    const { redis, names, pool } = this.stores;
    const before = await readProjectStates(redis, names, projectIds);
    const projects = [...before]
      .filter(([, state]) => !state.isHeld)
      .map(([projectId, { period }]) => ({ projectId, period }));
    const voters = await Promise.all(projects.map((one) => readVoters(redis, names, { ...one, max: this.max })));
    const rows = await readVoterRows(pool, { projects, max: this.max });
    const ids = projects.map(({ projectId }) => projectId);
    const after = await readProjectStates(redis, names, ids);
    return ids.filter((id, i) => {
      const versions = [before.get(id), after.get(id)].map((state: ProjectState | undefined) => state?.version);
      return this.compare(id, versions, voters[i] ?? null, rows.get(id)) === "moved";
    });
  }

  private compare(
    projectId: string,
    versions: (number | undefined)[],
    voters: Voters | null,
    rows: VoterRows | null | undefined,
  ): "done" | "moved" {
    if (rows === undefined) return "done";
    if (voters === null || rows === null) {
      this.tooLarge.push(projectId);
      return "done";
    }
    if (versions.some((version) => version !== rows.version)) return "moved";
    for (const one of compareVoters(projectId, voters, rows.votes)) this.wrong.push(one);
    return "done";
  }
}

interface Voters {
  isComplete: boolean;
  votes: Map<string, VoteType>;
}

function compareVoters(projectId: string, voters: Voters, rows: Map<string, VoteType>): WrongVoter[] {
  // A partial project holds only some of them.
  const users = new Set([...voters.votes.keys(), ...(voters.isComplete ? rows.keys() : [])]);
  return [...users].flatMap((userId) => {
    const redis = voters.votes.get(userId) ?? "none";
    const row = rows.get(userId) ?? "none";
    return redis === row ? [] : [{ projectId, userId, redis, row }];
  });
}
