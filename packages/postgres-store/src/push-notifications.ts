/**
 * Notifications on their way to sockets. A row is locked from reading it to marking it pushed, so that processes that push
 * at the same time tell different ones; one that dies in between tells some twice, with the same id.
 */
import type { NotificationKind, NotificationRecord } from "@votesync/core";
import type pg from "pg";
import { inTransaction } from "./transaction.js";

const WAITING = `
  SELECT id, user_id, kind, project_id, text, created_at FROM notifications
   WHERE pushed_at IS NULL ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED`;

const PUSHED = "UPDATE notifications SET pushed_at = now() WHERE id = ANY ($1::uuid[])";

interface WaitingRow {
  id: string;
  user_id: string;
  kind: NotificationKind;
  project_id: string;
  text: string;
  created_at: Date;
}

/**
 * Gives the oldest that wait to `publish`.
 * @returns how many, at most `limit`; none is marked when one could not be published
 */
export async function pushNotifications(
  pool: pg.Pool,
  limit: number,
  publish: (userId: string, notification: NotificationRecord) => Promise<unknown>,
): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<WaitingRow>(WAITING, [limit]);
    if (rows.length === 0) return 0;
    await Promise.all(rows.map((row) => publish(row.user_id, toRecord(row))));
    await client.query(PUSHED, [rows.map(({ id }) => id)]);
    return rows.length;
  });
}

const toRecord = ({ id, kind, project_id, text, created_at }: WaitingRow): NotificationRecord => ({
  id,
  kind,
  projectId: project_id,
  text,
  createdAt: created_at,
});
