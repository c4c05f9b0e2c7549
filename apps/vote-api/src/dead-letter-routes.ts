import { listDeadLettersQuerySchema } from "@votesync/core";
import {
  DeadLetterRefusedError,
  type DeadLetters,
  deadLetterView,
  formatLetterId,
  parseLetterId,
} from "@votesync/reconcile";
import { problem } from "@votesync/service-kit";
import type { RequestHandler } from "express";
import { z } from "zod";
import { formatCursor, parseCursor } from "./cursor.js";

const cursorSchema = z.strictObject({ at: z.iso.datetime(), id: z.string() }).transform(({ at, id }, context) => {
  const key = parseLetterId(id);
  if (key !== null) return { ...key, createdAt: new Date(at) };
  context.addIssue("no id of a dead letter");
  return z.NEVER;
});

const STATUS = { "not-found": 404, resolved: 409, "not-a-vote": 422, "no-project": 409 } as const;

/** The handlers of everything below `/api/votes/dead-letters`; all for admins. */
export function deadLetterRoutes(letters: DeadLetters): Record<"list" | "get" | "replay" | "drop", RequestHandler> {
  const list: RequestHandler = async (req, res) => {
    const { limit, all, cursor } = listDeadLettersQuerySchema.parse(req.query);
    const after = cursor === undefined ? undefined : parseCursor(cursorSchema, cursor);
    const page = await letters.list({ limit, all: all === "true", after });
    const { next } = page;
    res.json({
      dead_letters: page.letters.map(deadLetterView),
      next_cursor: next && formatCursor({ at: next.createdAt.toISOString(), id: formatLetterId(next) }),
    });
  };

  const answering =
    (work: "find" | "replay" | "drop"): RequestHandler =>
    async (req, res) => {
      const key = parseLetterId(String(req.params.id));
      try {
        if (key === null) throw new DeadLetterRefusedError("not-found");
        res.json(deadLetterView(await letters[work](key)));
      } catch (error) {
        throw error instanceof DeadLetterRefusedError ? problem(STATUS[error.reason], error.message) : error;
      }
    };

  return { list, get: answering("find"), replay: answering("replay"), drop: answering("drop") };
}
