/** What Redis knows of projects with periods: the live counters, the instants to come, and what it counted at those that passed. */
import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { unlessDamaged } from "./reply-errors.js";

export interface LaunchState {
  upvotes: number;
  version: number;
  /** µs; `null` when it has passed, or there is none. */
  opensAtUs: number | null;
  closesAtUs: number | null;
  /** Instant (µs) → up-votes of the period that ended with it. Forgotten when the project is read anew. */
  closed: Map<number, number>;
}

const CLOSED_FIELD = /^closed:\d+$/;

/** Projects that Redis does not hold, or that are held back or damaged, are missing. One round trip. */
export async function readLaunchStates(
  client: RedisClient,
  names: RedisNames,
  projectIds: readonly string[],
): Promise<Map<string, LaunchState>> {
  const replies = await Promise.all(projectIds.map((id) => unlessDamaged(client.hgetall(names.project(id)))));
  const states = new Map<string, LaunchState>();
  projectIds.forEach((id, i) => {
    const fields = replies[i] ?? {};
    if (fields.upvotes === undefined || fields.held !== undefined) return;
    states.set(id, {
      upvotes: Number(fields.upvotes),
      version: Number(fields.version),
      opensAtUs: fields.opens_at === undefined ? null : Number(fields.opens_at),
      closesAtUs: fields.closes_at === undefined ? null : Number(fields.closes_at),
      closed: closedCounts(fields),
    });
  });
  return states;
}

/** `<up>:<down>:<instant>`, as roll-over.lua writes it. */
function closedCounts(fields: Record<string, string>): Map<number, number> {
  const closed = Object.entries(fields).filter(([name]) => CLOSED_FIELD.test(name));
  return new Map(
    closed.map(([, text]) => {
      const [upvotes, , instant] = text.split(":");
      return [Number(instant), Number(upvotes)];
    }),
  );
}
