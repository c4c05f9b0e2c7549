/** How fast accepted votes become rows, against one locked transaction per vote: spread, and all on one project. */
import { waitFor } from "@votesync/testkit";
import { castVotes } from "./casting.js";
import { createProjects, type Installation } from "./installation.js";
import { measureLockedTransactions } from "./locked-transactions.js";
import type { Figure } from "./report.js";

const VOTES = 60_000;
const SPREAD_PROJECTS = 500;
const DRAIN_DEADLINE_MS = 120_000;

/** @param acceptedPerSecond over HTTP, in the same run: what an outage piles up */
export async function measureDurable(installation: Installation, acceptedPerSecond: number): Promise<Figure[]> {
  const spread = Array.from({ length: SPREAD_PROJECTS }, (_, i) => `spread-${i}`);
  const hot = ["hot"];
  await createProjects(installation, [...spread, ...hot]);
  const spreadFigure = await compare(installation, "spread over 500 projects", spread, "≥ 8");
  return [
    spreadFigure,
    await compare(installation, "all on one project", hot, "≥ 25"),
    {
      name: "votes/s applied after an outage ÷ accepted votes/s",
      ours: spreadFigure.ours,
      baseline: acceptedPerSecond,
      aim: "≥ 2",
    },
  ];
}

async function compare(installation: Installation, where: string, projects: string[], aim: string): Promise<Figure> {
  const baseline = await measureLockedTransactions(installation.postgres.pool, projects);
  const ours = await measureDrain(installation, projects);
  return {
    name: `durable votes/s ÷ a locked transaction per vote, ${where}`,
    ours,
    baseline,
    aim,
  };
}

/** The worker is held while the votes are cast, then let go: what counts is from there to the last commit. */
async function measureDrain(installation: Installation, projects: string[]): Promise<number> {
  const { worker, redis, names, postgres } = installation;
  process.kill(worker.pid, "SIGSTOP");
  await castVotes(installation, projects, VOTES);
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
