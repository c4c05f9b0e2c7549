/** How fast accepted votes become rows, against one locked transaction per vote: spread, and all on one project. */
import { castVote, loadProject, NEVER_LOADED } from "@votesync/redis-store";
import { waitFor } from "@votesync/testkit";
import { createProjects, type Installation } from "./installation.js";
import { measureLockedTransactions } from "./locked-transactions.js";
import type { Figure } from "./report.js";

const VOTES = 60_000;
const SPREAD_PROJECTS = 500;
const CASTS_AT_ONCE = 256;
const DRAIN_DEADLINE_MS = 120_000;

export async function measureDurable(installation: Installation): Promise<Figure[]> {
  const spread = Array.from({ length: SPREAD_PROJECTS }, (_, i) => `spread-${i}`);
  const hot = ["hot"];
  await createProjects(installation, [...spread, ...hot]);
  return [
    await compare(installation, "spread over 500 projects", spread, "≥ 8"),
    await compare(installation, "all on one project", hot, "≥ 25"),
  ];
}

async function compare(installation: Installation, where: string, projects: string[], aim: string): Promise<Figure> {
  const baseline = await measureLockedTransactions(installation.postgres.pool, projects);
  const ours = await measureDrain(installation, projects);
  return {
    name: `durable votes/s ÷ a locked transaction per vote, ${where}`,
    ours,
    baseline,
    ratio: ours / baseline,
    aim,
  };
}

/** The worker is held while the votes are cast, then let go: what counts is from there to the last commit. */
async function measureDrain(installation: Installation, projects: string[]): Promise<number> {
  const { worker, redis, names, postgres } = installation;
  process.kill(worker.pid, "SIGSTOP");
  await castVotes(installation, projects);
  const goals = new Map<number, string>();
  for (const shard of names.allShards()) {
    const [last] = await redis.client.xrevrange(names.events(shard), "+", "-", "COUNT", 1);
    if (last !== undefined) goals.set(shard, last[0]);
  }
  const startedAt = performance.now();
  process.kill(worker.pid, "SIGCONT");
  await waitFor(
    "the backlog to be applied",
    async () => {
      const { rows } = await postgres.pool.query<{ shard: number; last_id: string }>("SELECT * FROM shard_progress");
      return rows.every(({ shard, last_id }) => goals.get(shard) === undefined || goals.get(shard) === last_id);
    },
    DRAIN_DEADLINE_MS,
  );
  return VOTES / ((performance.now() - startedAt) / 1_000);
}

async function castVotes({ redis, names }: Installation, projects: string[]): Promise<void> {
  for (const id of projects) {
    const project = { id, upvotes: 0, downvotes: 0, version: 0, period: 0, votes: [] };
    await loadProject(redis.client, names, project, NEVER_LOADED);
  }
  let next = 0;
  const caster = async () => {
    for (let i = next++; i < VOTES; i = next++) {
      const projectId = projects[i % projects.length] as string;
      await castVote(redis.client, names, {
        requestId: `${names.shardOf(projectId)}.bench-${projects.length}-${i}`,
        projectId,
        userId: `user ${i}`,
        voteType: i % 3 === 0 ? "down" : "up",
        deadlineUs: Number.MAX_SAFE_INTEGER,
        limit: { max: 5, windowMs: 10_000 },
      });
    }
  };
  await Promise.all(Array.from({ length: CASTS_AT_ONCE }, caster));
}
