/** All that Redis holds of a project, for a PostgreSQL that lost it. */
import type { RedisNames } from "@votesync/core";
import { z } from "zod";
import type { RedisClient } from "./connection.js";
import { parseHeldVote } from "./held-vote.js";
import type { ProjectAbout, StoredVote } from "./load-project.js";
import { unlessDamaged } from "./reply-errors.js";

export interface WholeProject {
  id: string;
  period: number;
  version: number;
  /** `null` when a release before 0.2 loaded it, or when it never was loaded. */
  about: ProjectAbout | null;
  boardId: string | null;
  upOnly: boolean;
  opensAtUs: number | null;
  closesAtUs: number | null;
  /** Period → its counters at the instant it ended, µs, as long as Redis remembers. */
  closed: Map<number, { upvotes: number; downvotes: number; instantUs: number }>;
}

const aboutSchema = z.object({
  title: z.string(),
  url: z.string().nullable(),
  ownerId: z.string(),
  createdAtMs: z.number(),
});

/** @returns `null` when Redis does not hold it, or something else under its key */
export async function readWholeProject(
  client: RedisClient,
  names: RedisNames,
  id: string,
): Promise<WholeProject | null> {
  const fields = await unlessDamaged(client.hgetall(names.project(id)));
  if (fields?.version === undefined) return null;
  const number = (name: string) => (fields[name] === undefined ? null : Number(fields[name]));
  return {
    id,
    period: number("period") ?? 0,
    version: number("version") ?? 0,
    about: parseAbout(fields.about),
    boardId: fields.board ?? null,
    upOnly: fields.up_only !== undefined,
    opensAtUs: number("opens_at"),
    closesAtUs: number("closes_at"),
    closed: new Map(Object.entries(fields).flatMap(([name, value]) => parseClosed(name, value))),
  };
}

/** `null` also for what is no such text: somebody was at Redis by hand. */
function parseAbout(text = ""): ProjectAbout | null {
  try {
    return aboutSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function parseClosed(
  name: string,
  value: string,
): [number, { upvotes: number; downvotes: number; instantUs: number }][] {
  const [field, period] = name.split(":");
  if (field !== "closed" || period === undefined) return [];
  const [upvotes = 0, downvotes = 0, instantUs = 0] = value.split(":").map(Number);
  return [[Number(period), { upvotes, downvotes, instantUs }]];
}

const VOTES_PER_PAGE = 1_000;

/** Who voted what in a period, as far as Redis holds it, page by page; one user may come twice. What is damaged is left out. */
export async function* readHeldVotes(
  client: RedisClient,
  names: RedisNames,
  o: { projectId: string; period: number },
): AsyncGenerator<StoredVote[]> {
  let cursor = "0";
  do {
    const page = await unlessDamaged(client.hscan(names.votes(o.projectId, o.period), cursor, "COUNT", VOTES_PER_PAGE));
    if (page === undefined) return;
    const [next, fields] = page;
    cursor = next;
    const votes: StoredVote[] = [];
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const vote = parseHeldVote(fields[i + 1] as string);
      if (vote !== null) votes.push({ userId: fields[i] as string, ...vote });
    }
    if (votes.length > 0) yield votes;
  } while (cursor !== "0");
}
