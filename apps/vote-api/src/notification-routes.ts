import { listNotificationsQuerySchema, notificationView, readNotificationsBodySchema } from "@votesync/core";
import { listNotifications, markNotificationsRead, type PostgresConnection } from "@votesync/postgres-store";
import type { Request, Response } from "express";
import { z } from "zod";
import { identityOf } from "./authenticate.js";
import { formatCursor, parseCursor } from "./cursor.js";

const cursorSchema = z
  .strictObject({ created_at: z.iso.datetime(), id: z.uuid() })
  .transform(({ created_at, id }) => ({ createdAt: new Date(created_at), id }));

/** The handlers of everything below `/api/notifications`: the caller's own, and nobody else's. */
export function notificationRoutes(deps: { postgres: PostgresConnection; now: () => Date }) {
  const { prisma } = deps.postgres;

  async function list(req: Request, res: Response): Promise<void> {
    const { limit, cursor, unread: unreadOnly } = listNotificationsQuerySchema.parse(req.query);
    const after = cursor === undefined ? undefined : parseCursor(cursorSchema, cursor);
    const { userId } = identityOf(res);
    const { notifications, unread, next } = await listNotifications(prisma, { userId, unreadOnly, after, limit });
    res.json({
      notifications: notifications.map((one) => ({
        ...notificationView(one),
        read_at: one.readAt?.toISOString() ?? null,
      })),
      unread,
      next_cursor: next === null ? null : formatCursor({ created_at: next.createdAt.toISOString(), id: next.id }),
    });
  }

  async function markRead(req: Request, res: Response): Promise<void> {
    const { ids } = readNotificationsBodySchema.parse(req.body);
    const { userId } = identityOf(res);
    res.json({ read: await markNotificationsRead(prisma, { userId, ids, now: deps.now() }) });
  }

  return { list, markRead };
}
