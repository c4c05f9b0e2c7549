/**
 * Loading a cold project: counts, version and, when there are few of them, everybody's vote.
 *
 * A project's hash of votes is complete or says that it is partial. Up to `MAX_LOADED_VOTERS` it is loaded whole and a
 * missing user has no vote; beyond, nothing is loaded and the cast asks for the one row it needs. So a project with
 * ten million votes loads as fast as a new one.
 */
import type { RedisNames } from "@votesync/core";
import { v4 as uuidv4 } from "uuid";
import type { RedisClient } from "./connection.js";
import { STREAM_START } from "./event-stream.js";
import { type HeldVote, heldVote } from "./held-vote.js";
import type { ProjectHold } from "./hold-project.js";
import { callScript } from "./scripts.js";

/** So long after the project was found missing its rows may still be loaded; no project is dropped that young. */
export const LOAD_DEADLINE_US = 10_000_000;

/** For a project that surely never was in Redis, at any time: tests and benchmarks make such. */
export const NEVER_LOADED: ProjectHold = {
  held: "",
  lastEventId: STREAM_START,
  nowUs: Number.MAX_SAFE_INTEGER - LOAD_DEADLINE_US,
};

export const MAX_LOADED_VOTERS = 10_000;

export interface StoredVote extends HeldVote {
  userId: string;
}

/** A project as PostgreSQL has it, all of it read in one snapshot. */
export interface ColdProject {
  id: string;
  upvotes: number;
  downvotes: number;
  version: number;
  period: number;
  /** µs of Redis's clock at which the current period ends and the next begins: a launch's two instants. */
  opensAtUs?: number | null;
  closesAtUs?: number | null;
  /** A launch takes up-votes only. */
  upOnly?: boolean;
  /** The board it is on. */
  boardId?: string | null;
  /** What its row says besides; Redis keeps it for a PostgreSQL that lost the row. */
  about?: ProjectAbout;
  /** Up to which entry of the shard's event stream these rows are, and which of the fallback's votes. */
  lastId?: string;
  fallbackVotes?: number;
  /** Everybody who voted in this period, or `null` when they are more than `MAX_LOADED_VOTERS`. */
  votes: StoredVote[] | null;
}

export interface ProjectAbout {
  title: string;
  url: string | null;
  ownerId: string;
  /** ms since 1970 */
  createdAtMs: number;
}

/** PostgreSQL is known to have applied more than these rows show: read them again. Always so, and PostgreSQL went back. */
export class RowsTooOldError extends Error {
  override readonly name = "RowsTooOldError";
  constructor(readonly shard: number) {
    super("the rows are older than what PostgreSQL is known to have applied");
  }
}

/**
 * @param hold what the cast, or whoever held the project, was told; the rows were read after that
 * @returns whether this call loaded it; `false`: somebody else was faster, or the hold is no longer the newest
 * @throws {RowsTooOldError}
 */
export async function loadProject(
  client: RedisClient,
  names: RedisNames,
  project: ColdProject,
  hold: ProjectHold,
): Promise<boolean> {
  const { id, upvotes, downvotes, version, period, votes } = project;
  const shard = names.shardOf(id);
  const loaded = await callScript(
    client,
    "load-project",
    [
      names.project(id),
      names.votes(id, period),
      names.events(shard),
      names.loaded(shard),
      names.changed(shard),
      names.applied(shard),
      names.fallbackVotes(shard),
    ],
    [
      id,
      hold.held,
      hold.nowUs + LOAD_DEADLINE_US,
      upvotes,
      downvotes,
      version,
      period,
      votes === null ? "partial" : "complete",
      uuidv4(),
      project.opensAtUs ?? "",
      project.closesAtUs ?? "",
      project.upOnly === true ? 1 : "",
      project.boardId ?? "",
      project.lastId ?? "",
      project.fallbackVotes ?? "",
      project.about === undefined ? "" : JSON.stringify(project.about),
      ...(votes ?? []).flatMap((vote) => [vote.userId, heldVote(vote)]),
    ],
  );
  if (loaded === -1) throw new RowsTooOldError(shard);
  return loaded === 1;
}
