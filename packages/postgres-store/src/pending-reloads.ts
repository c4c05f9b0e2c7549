/** Projects that changed otherwise than by a vote: Redis must read them anew. Whoever did so takes the row away. */
import type pg from "pg";

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
