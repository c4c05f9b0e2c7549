/**
 * Messages to owners of projects: made from the counters, in batches, and read by their owners.
 *
 * The table's unique key makes each exactly once, however often and by how many processes at once it is made.
 */
import {
  type DueNotification,
  dueNotifications,
  type NotificationKind,
  type NotificationRecord,
  notificationKindSchema,
} from "@votesync/core";
import type pg from "pg";
import type { Notification, PrismaClient } from "./generated/client.js";

const TOLD = `
  EXISTS (SELECT FROM notifications n WHERE n.project_id = p.id AND n.kind = 'first_vote') AS has_first_vote,
  COALESCE((SELECT max(n.milestone) FROM notifications n WHERE n.project_id = p.id AND n.kind = 'milestone'), 0)
    AS last_milestone`;

const PROJECTS = `
  SELECT p.id, p.owner_id, p.title, p.upvotes, p.downvotes, ${TOLD} FROM projects p WHERE p.id = ANY ($1::text[])`;

const SLICE = `
  SELECT p.id, p.owner_id, p.title, p.upvotes, p.downvotes, ${TOLD}
    FROM (SELECT * FROM projects WHERE id > $1 ORDER BY id LIMIT $2) p ORDER BY p.id`;

const STORE = `
  INSERT INTO notifications (user_id, kind, project_id, milestone, text)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])
  ON CONFLICT DO NOTHING`;

interface ProjectRow {
  id: string;
  owner_id: string;
  title: string;
  upvotes: number;
  downvotes: number;
  has_first_vote: boolean;
  last_milestone: number;
}

/** What came of looking at some projects. */
export interface ProjectsLookedAt {
  projectIds: string[];
  ownerIds: string[];
  /** Notifications that are new. */
  notified: number;
}

/** Makes the notifications that these projects are due. */
export async function notifyOwners(pool: pg.Pool, projectIds: readonly string[]): Promise<ProjectsLookedAt> {
  const { rows } = await pool.query<ProjectRow>(PROJECTS, [projectIds]);
  return storeDue(pool, rows);
}

/** The same for the next `limit` projects in the order of their ids. */
export async function notifyOwnersOfSlice(
  pool: pg.Pool,
  slice: { afterId: string; limit: number },
): Promise<ProjectsLookedAt> {
  const { rows } = await pool.query<ProjectRow>(SLICE, [slice.afterId, slice.limit]);
  return storeDue(pool, rows);
}

async function storeDue(pool: pg.Pool, rows: ProjectRow[]): Promise<ProjectsLookedAt> {
  const due = rows.flatMap((row) => dueOf(row).map((notification) => ({ row, notification })));
  const projectIds = rows.map(({ id }) => id);
  const ownerIds = [...new Set(rows.map(({ owner_id }) => owner_id))];
  if (due.length === 0) return { projectIds, ownerIds, notified: 0 };
  const { rowCount } = await pool.query(STORE, [
    due.map(({ row }) => row.owner_id),
    due.map(({ notification }) => notification.kind),
    due.map(({ row }) => row.id),
    due.map(({ notification }) => notification.milestone),
    due.map(({ notification }) => notification.text),
  ]);
  return { projectIds, ownerIds, notified: rowCount ?? 0 };
}

const dueOf = ({ title, upvotes, downvotes, has_first_vote, last_milestone }: ProjectRow): DueNotification[] =>
  dueNotifications({ title, upvotes, downvotes, hasFirstVote: has_first_vote, lastMilestone: last_milestone });

export interface OwnNotification extends NotificationRecord {
  readAt: Date | null;
}

/** Where the next page begins: after this notification. */
export interface NotificationCursor {
  createdAt: Date;
  id: string;
}

/** One page of a user's notifications, newest first; and how many of all are unread. */
export async function listNotifications(
  prisma: PrismaClient,
  page: { userId: string; unreadOnly: boolean; after?: NotificationCursor | undefined; limit: number },
): Promise<{ notifications: OwnNotification[]; unread: number; next: NotificationCursor | null }> {
  const { userId, unreadOnly, after, limit } = page;
  const [rows, unread] = await Promise.all([
    prisma.notification.findMany({
      where: { userId, ...(unreadOnly ? { readAt: null } : {}), ...(after === undefined ? {} : pastCursor(after)) },
      orderBy: [{ createdAt: "desc" }, { id: "desc" }],
      take: limit + 1,
    }),
    prisma.notification.count({ where: { userId, readAt: null } }),
  ]);
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    notifications: rows.slice(0, limit).map(toNotification),
    unread,
    next: last === undefined ? null : { createdAt: last.createdAt, id: last.id },
  };
}

const pastCursor = ({ createdAt, id }: NotificationCursor) => ({
  OR: [{ createdAt: { lt: createdAt } }, { createdAt, id: { lt: id } }],
});

/**
 * Marks a user's own notifications as read; those of others stay as they are.
 * @param ids all there are when not given
 * @returns how many were unread before
 */
export async function markNotificationsRead(
  prisma: PrismaClient,
  o: { userId: string; ids: readonly string[] | undefined; now: Date },
): Promise<number> {
  const { count } = await prisma.notification.updateMany({
    where: { userId: o.userId, readAt: null, ...(o.ids === undefined ? {} : { id: { in: [...o.ids] } }) },
    data: { readAt: o.now },
  });
  return count;
}

const toNotification = ({ id, kind, projectId, text, createdAt, readAt }: Notification): OwnNotification => ({
  id,
  kind: notificationKindSchema.parse(kind) satisfies NotificationKind,
  projectId,
  text,
  createdAt,
  readAt,
});
