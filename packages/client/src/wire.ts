/** What travels over the socket, as the gateway sends it. */
import type { Counts } from "./project-votes.js";

export type CountsMessage = Counts & { id: string };

/** A stream of a board, without anybody's own vote. */
export interface StreamState {
  id: string;
  title: string;
  url: string | null;
  upvotes: number;
  downvotes: number;
  votes: number;
  /** Of the stream. */
  version: number;
}

export interface BoardState {
  version: number;
  activeStream: StreamState | null;
  streams: StreamState[];
}

export type LeaderboardPeriod = "daily" | "weekly" | "monthly" | "yearly";

export interface LeaderboardState {
  period: LeaderboardPeriod;
  /** Which turn of the period: 2026-11-23, 2026-W48, … */
  key: string;
  /** The first ten; equal points share a rank. */
  entries: { rank: number; user_id: string; points: number }[];
}

export type LaunchStatus = "open" | "closing" | "final";

/** Everything the gateway says by itself. */
export interface ServerMessages {
  "vote:cast": CountsMessage;
  "vote:removed": CountsMessage;
  "vote:reconciled": CountsMessage & { reason: string };
  "vote:failed": { request_id: string; id: string; error: string };
  "queue:updated": { jamId: string; version: number; streams: StreamState[] };
  "stream:active": { jamId: string; version: number; activeStream: StreamState | null };
  "launch:finalized": { date: string; updated: number; top3: string[] };
  "leaderboard:updated": LeaderboardState;
  notification: { id: string; kind: string; project_id: string; text: string; created_at: string };
}
export type ServerMessageName = keyof ServerMessages;

export const SERVER_MESSAGES: readonly ServerMessageName[] = [
  "vote:cast",
  "vote:removed",
  "vote:reconciled",
  "vote:failed",
  "queue:updated",
  "stream:active",
  "launch:finalized",
  "leaderboard:updated",
  "notification",
];

/** What can be watched. */
export interface Watched {
  projects?: readonly string[];
  boards?: readonly string[];
  /** Dates, YYYY-MM-DD. */
  launches?: readonly string[];
  leaderboards?: readonly LeaderboardPeriod[];
}
export type WatchedList = keyof Watched;
export const WATCHED_LISTS: readonly WatchedList[] = ["projects", "boards", "launches", "leaderboards"];

/** The answer to `subscribe`: how everything stands. */
export interface SubscribeReply {
  projects?: Record<string, Counts>;
  boards?: Record<string, BoardState>;
  launches?: Record<string, { status: LaunchStatus }>;
  leaderboards?: Record<string, LeaderboardState>;
  unknown?: string[];
}
export type Reply = ({ ok: true } & SubscribeReply) | { ok: false; error: string };
