/** Projects that changed otherwise than by a vote: Redis must read them anew. Whoever did so takes the row away. */
import type pg from "pg";

/** In a transaction that has changed the project. */
export async function requestReload(client: pg.PoolClient, o: { shard: number; projectId: string }): Promise<void> {
  await client.query("INSERT INTO pending_reloads (shard, project_id) VALUES ($1, $2)", [o.shard, o.projectId]);
}

/** Those of a project so far. What is asked for later has another id. */
export async function readPendingReloads(pool: pg.Pool, projectId: string): Promise<number[]> {
  const { rows } = await pool.query<{ id: number }>("SELECT id FROM pending_reloads WHERE project_id = $1", [
    projectId,
  ]);
  return rows.map(({ id }) => id);
}

export async function markReloaded(pool: pg.Pool, ids: readonly number[]): Promise<void> {
  if (ids.length > 0) await pool.query("DELETE FROM pending_reloads WHERE id = ANY($1)", [ids]);
}
