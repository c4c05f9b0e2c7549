/**
 * A jam: a board whose projects, its streams, form a queue ordered by votes, with one of them active. Everybody is to see
 * the same order, so the order is made in one place: here.
 */
import type { ProjectCounts } from "./project.js";
import type { BoardMode } from "./requests.js";
import { voteCount } from "./vote.js";

export interface JamBoard {
  id: string;
  title: string;
  mode: BoardMode;
  ownerId: string;
  createdAt: Date;
}

/** How many streams may wait in a queue. A queue is told whole, to everybody, several times a second. */
export const MAX_QUEUED_STREAMS = 500;

/** What of a stream never changes. */
export interface StreamInfo {
  id: string;
  title: string;
  url: string | null;
  /** ms since 1970. */
  createdAtMs: number;
}

/** A stream as everybody sees it. */
export type StreamView = ReturnType<typeof streamView>;

export function streamView({ id, title, url }: StreamInfo, counts: ProjectCounts) {
  const { upvotes, downvotes, version } = counts;
  return { id, title, url, upvotes, downvotes, votes: voteCount(counts), version };
}

/** A board as everybody sees it, at one version: of two with the same version, no stream is newer in one of them. */
export interface JamState {
  jamId: string;
  version: number;
  activeStream: StreamView | null;
  /** In queue order. */
  streams: StreamView[];
}

/** A stream and its counters. */
export interface CountedStream {
  info: StreamInfo;
  counts: ProjectCounts;
}

/** Most votes first; among equals the oldest. */
export function inQueueOrder(streams: readonly CountedStream[]): CountedStream[] {
  return [...streams].sort(
    (a, b) =>
      voteCount(b.counts) - voteCount(a.counts) ||
      a.info.createdAtMs - b.info.createdAtMs ||
      (a.info.id < b.info.id ? -1 : 1),
  );
}

export function boardView({ id, title, mode, ownerId, createdAt }: JamBoard) {
  return { id, title, mode, owner_id: ownerId, created_at: createdAt.toISOString() };
}
