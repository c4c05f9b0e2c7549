/** All that Redis holds of a project, for a PostgreSQL that lost it. */
import { type RedisNames, type VoteType, voteTypeSchema } from "@votesync/core";
import { z } from "zod";
import type { RedisClient } from "./connection.js";
import type { ProjectAbout, StoredVote } from "./load-project.js";

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

/** @returns `null` when Redis does not hold it */
export async function readWholeProject(
  client: RedisClient,
  names: RedisNames,
  id: string,
): Promise<WholeProject | null> {
  const fields = await client.hgetall(names.project(id));
  if (fields.version === undefined) return null;
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

function parseAbout(text = ""): ProjectAbout | null {
  return text === "" ? null : aboutSchema.parse(JSON.parse(text));
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

/** Who voted what in a period, as far as Redis holds it, page by page; one user may come twice. */
export async function* readHeldVotes(
  client: RedisClient,
  names: RedisNames,
  o: { projectId: string; period: number },
): AsyncGenerator<StoredVote[]> {
  let cursor = "0";
  do {
    const [next, fields] = await client.hscan(names.votes(o.projectId, o.period), cursor, "COUNT", VOTES_PER_PAGE);
    cursor = next;
    const votes: StoredVote[] = [];
    for (let i = 0; i + 1 < fields.length; i += 2) votes.push(parseVote(fields[i] as string, fields[i + 1] as string));
    if (votes.length > 0) yield votes;
  } while (cursor !== "0");
}

function parseVote(userId: string, held: string): StoredVote {
  const [voteType, version, givenAtUs] = held.split(":") as [VoteType, string, string];
  return { userId, voteType: voteTypeSchema.parse(voteType), version: Number(version), givenAtUs: Number(givenAtUs) };
}
