/**
 * The end of a launch day of 10,000 apps by a real finalizer: time per app against writing the same records one by one, and
 * its memory over that of the idle process.
 */
import { QUEUES } from "@votesync/core";
import { connectJobs, finalizeJob, onceADay } from "@votesync/jobs";
import { connectMongo, LaunchArchive, launchKey, RECORDS_PER_BATCH } from "@votesync/mongo-store";
import { ServiceProcess, waitFor } from "@votesync/testkit";
import type { Installation } from "./installation.js";
import type { Figure } from "./report.js";
import { residentBytes, watchMemory } from "./resident-memory.js";

const APPS = 10_000;
const VOTES_PER_APP = 5;
const SINGLE_APPS = 300;
const DATE = "2024-01-15";
const DEADLINE_MS = 300_000;
const log = { info: () => undefined, warn: () => undefined };

export async function measureFinalize(installation: Installation): Promise<Figure[]> {
  const mongo = connectMongo({ url: installation.mongoUrl, log });
  const jobs = connectJobs({
    url: installation.redisUrl,
    name: "bench",
    log: { ...log, error: () => undefined } as never,
  });
  await mongo.connection.asPromise();
  const archive = new LaunchArchive(mongo.connection);
  await archive.ensureIndexes();
  // Only on demand: nothing must begin before it is measured.
  const env = { ...installation.env, MONGO_URL: installation.mongoUrl, FINALIZE_DELAY_MS: "86400000" };
  const finalizer = await ServiceProcess.start("finalizer", env);
  try {
    const single = await timed(() => writeOneByOne(archive));
    const idle = await residentBytes(finalizer.pid);
    await launchApps(installation);
    await addRecords(archive);
    const memory = watchMemory(finalizer.pid);
    const all = await timed(() => finalize(jobs.queue(QUEUES.launches)));
    const mib = (memory.stop() - idle) / 1_048_576;
    return [
      {
        name: `end of a day of ${APPS} apps, ms per app, against its two records one by one`,
        ours: all / APPS,
        baseline: single / SINGLE_APPS,
        aim: "< 1 ×",
      },
      { name: `memory of the finalizer over idle, ${APPS} apps, MiB`, ours: mib, aim: "< 150" },
    ];
  } finally {
    await finalizer.stop();
    await jobs.close();
    await mongo.close();
  }
}

/** Apps with votes, closing in a moment. Rows and counters as votes would have left them. */
async function launchApps({ postgres }: Installation): Promise<void> {
  const ids = Array.from({ length: APPS }, (_, i) => `launch-${i}`);
  await postgres.pool.query("INSERT INTO launch_days (launch_date) VALUES ($1)", [DATE]);
  await postgres.pool.query(
    `INSERT INTO projects (id, title, owner_id, period, upvotes, closes_at, up_only, version)
     SELECT id, id, 'bench', 1, $2, date_trunc('second', now()) + interval '1 second', true, 1 FROM unnest($1::text[]) AS a (id)`,
    [ids, VOTES_PER_APP],
  );
  await postgres.pool.query(
    `INSERT INTO votes (project_id, period, user_id, vote_type, version, voted_at)
     SELECT id, 1, 'voter ' || n, 'up', n, now() FROM unnest($1::text[]) AS a (id), generate_series(1, $2) n`,
    [ids, VOTES_PER_APP],
  );
  await postgres.pool.query(
    `INSERT INTO launches (launch_date, project_id, name, owner_id, opens_at, closes_at)
     SELECT $1, id, title, owner_id, closes_at - interval '1 day', closes_at FROM projects WHERE id = ANY($2)`,
    [DATE, ids],
  );
  await waitFor("the launches to close", async () => {
    const { rowCount } = await postgres.pool.query("SELECT FROM launches WHERE closes_at > now() LIMIT 1");
    return rowCount === 0;
  });
}

/** As registering them would have. */
async function addRecords(archive: LaunchArchive): Promise<void> {
  const at = new Date();
  const app = { name: "bench", ownerId: "bench", opensAt: at, closesAt: at, createdAt: at };
  for (let from = 0; from < APPS; from += RECORDS_PER_BATCH) {
    const ids = Array.from({ length: RECORDS_PER_BATCH }, (_, i) => `launch-${from + i}`);
    await archive.addApps(
      DATE,
      ids.map((appId) => ({ appId, app })),
    );
  }
}

async function finalize(queue: ReturnType<ReturnType<typeof connectJobs>["queue"]>): Promise<void> {
  await waitFor("the queue", () => queue.counts());
  const id = await queue.add(finalizeJob, { date: DATE }, onceADay(finalizeJob, DATE));
  const outcome = await waitFor(
    "the day to be final",
    async () => {
      const found = await queue.outcome(id);
      return found?.state === "completed" || found?.state === "failed" ? found : false;
    },
    DEADLINE_MS,
  );
  if (outcome.state !== "completed") throw new Error(JSON.stringify(outcome));
}

/** A backup and a final count, each waited for, as a loop over apps would write them. */
async function writeOneByOne(archive: LaunchArchive): Promise<void> {
  const at = new Date();
  const app = { name: "single", ownerId: "bench", opensAt: at, closesAt: at, createdAt: at };
  for (let i = 0; i < SINGLE_APPS; i++) {
    const appId = `single-${i}`;
    const result = { appId, votes: i, rank: 1, reachedAt: at };
    const backup = { ...result, launchDate: "2023-01-01", originalLikes: 0, backedUpAt: at, app, checksum: "" };
    await archive.addBackups([{ _id: launchKey("2023-01-01", appId), ...backup }]);
    await archive.writeResults("2023-01-01", [{ appId, likes: i, rank: 1, reachedAt: at, app }], at);
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
