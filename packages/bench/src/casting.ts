/** Casts straight into Redis, as many at once as many replicas would send: what the store alone can do, and what it keeps. */
import { castVote, loadProject, NEVER_LOADED } from "@votesync/redis-store";
import type { Installation } from "./installation.js";
import type { Figure } from "./report.js";

const CASTS_AT_ONCE = 256;
const VOTES = 60_000;
const PROJECTS = 100;

/** @returns casts per second */
export async function castVotes(installation: Installation, projects: string[], votes: number): Promise<number> {
  const { redis, names } = installation;
  for (const id of projects) {
    const project = { id, upvotes: 0, downvotes: 0, version: 0, period: 0, votes: [] };
    await loadProject(redis.client, names, project, NEVER_LOADED);
  }
  let next = 0;
  const caster = async () => {
    for (let i = next++; i < votes; i = next++) {
      const projectId = projects[i % projects.length] as string;
      await castVote(redis.client, names, {
        requestId: `${names.shardOf(projectId)}.bench-${projects[0]}-${i}`,
        projectId,
        userId: `user ${i}`,
        voteType: i % 3 === 0 ? "down" : "up",
        deadlineUs: Number.MAX_SAFE_INTEGER,
        limit: { max: 5, windowMs: 10_000 },
      });
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: CASTS_AT_ONCE }, caster));
  return votes / ((performance.now() - startedAt) / 1_000);
}

/** The worker rests meanwhile: its reads and trims would be measured too. */
export async function measureRedis(installation: Installation): Promise<Figure[]> {
  const { worker, redis } = installation;
  process.kill(worker.pid, "SIGSTOP");
  try {
    await castVotes(installation, projectsOf("warm-up"), VOTES);
    await redis.client.config("SET", "appendfsync", "everysec");
    const everySecond = await castVotes(installation, projectsOf("everysec"), VOTES);
    await redis.client.config("SET", "appendfsync", "always");
    const before = await usedMemory(installation);
    const always = await castVotes(installation, projectsOf("always"), VOTES);
    const bytes = ((await usedMemory(installation)) - before) / VOTES;
    const lasting = await voteFieldBytes(installation, projectsOf("always"));
    return [
      {
        name: `casts/s with appendfsync always ÷ everysec, ${CASTS_AT_ONCE} at once`,
        ours: always,
        baseline: everySecond,
        aim: "written down",
      },
      { name: "bytes in Redis per vote, in its first seconds", ours: bytes, aim: "written down" },
      { name: "bytes in Redis per vote, for as long as its project is loaded", ours: lasting, aim: "written down" },
    ];
  } finally {
    process.kill(worker.pid, "SIGCONT");
  }
}

const projectsOf = (run: string) => Array.from({ length: PROJECTS }, (_, i) => `${run}-${i}`);

async function usedMemory({ redis }: Installation): Promise<number> {
  const info = await redis.client.info("memory");
  return Number(/used_memory:(\d+)/.exec(info)?.[1]);
}

/** Of the hashes that say who voted what; all else a vote leaves goes within the hour. */
async function voteFieldBytes({ redis, names }: Installation, projects: string[]): Promise<number> {
  const keys = projects.map((id) => names.votes(id, 0));
  const sizes = await Promise.all(keys.map((key) => redis.client.memory("USAGE", key, "SAMPLES", 0)));
  return sizes.reduce<number>((sum, size) => sum + Number(size), 0) / VOTES;
}
