import type pg from "pg";

const CLIENTS = 16;
const SECONDS = 4;

/**
 * The safe textbook way: per vote one transaction that locks the project, writes the vote and the event, and moves the
 * counters. Same tables, indexes and durability as ours, kept apart by a period that nothing else uses.
 *
 * @returns votes per second
 */
export async function measureLockedTransactions(pool: pg.Pool, projects: readonly string[]): Promise<number> {
  const run = `${projects.length}-${Date.now()}`;
  const until = performance.now() + SECONDS * 1_000;
  let votes = 0;
  const voter = async () => {
    const client = await pool.connect();
    while (performance.now() < until) {
      const vote = votes++;
      await voteOnce(client, projects[vote % projects.length] as string, `${run}-${vote}`, vote + 1);
    }
    client.release();
  };
  await Promise.all(Array.from({ length: CLIENTS }, voter));
  return votes / SECONDS;
}

const PERIOD = 1_000_000;

async function voteOnce(client: pg.PoolClient, projectId: string, userId: string, version: number): Promise<void> {
  await client.query("BEGIN");
  await client.query({
    name: "lock",
    text: "SELECT period FROM projects WHERE id = $1 FOR UPDATE",
    values: [projectId],
  });
  await client.query({
    name: "vote",
    text: `INSERT INTO votes (project_id, period, user_id, vote_type, version, voted_at) VALUES ($1, $2, $3, 'up', $4, now())
           ON CONFLICT (project_id, period, user_id) DO UPDATE SET vote_type = 'up', version = $4, voted_at = now()`,
    values: [projectId, PERIOD, userId, version],
  });
  await client.query({
    name: "event",
    text: `INSERT INTO vote_events (project_id, version, accepted_at, period, user_id, action, vote_type,
                                    previous_vote_type, upvotes, downvotes, request_id, stream_id)
           VALUES ($1, $2, now(), $3, $4, 'created', 'up', 'none', 0, 0, $4, '')`,
    values: [projectId, version, PERIOD, userId],
  });
  await client.query({
    name: "count",
    text: "UPDATE projects SET upvotes = upvotes + 0 WHERE id = $1",
    values: [projectId],
  });
  await client.query("COMMIT");
}
