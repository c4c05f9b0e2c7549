/** The calls of vote-api that a client makes. */
import type { BoardInfo } from "./board-book.js";
import type { Counts, Vote, VoteAnswer } from "./project-votes.js";
import type { Http } from "./request.js";
import type { BoardState, LaunchStatus, LeaderboardPeriod, LeaderboardState, StreamState } from "./wire.js";

/** Shorter than other requests: a vote is repeated when its answer does not come. */
const CAST_DEADLINE_MS = 6_000;
const READ_DEADLINE_MS = 4_000;
const IDS_PER_CALL = 100;
const ENTRIES_SHOWN = 10;

/** A queue with the caller's own votes. */
export interface OwnBoardState extends BoardState {
  activeStream: (StreamState & { userVote: Vote | null }) | null;
  streams: (StreamState & { userVote: Vote | null })[];
}

export class Api {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Where gateways are. */
  async realtimeUrls(): Promise<readonly string[]> {
    return (await this.#readPublic<{ realtime_urls: string[] }>("/config.json")).realtime_urls;
  }

  async castVote(projectId: string, vote: Vote | null, idempotencyKey: string): Promise<VoteAnswer> {
    const { data } = await this.#http.json<{ data: VoteAnswer }>("/api/votes", {
      method: "POST",
      headers: { "Idempotency-Key": idempotencyKey },
      body: { project_id: projectId, vote_type: vote ?? "none" },
      deadlineMs: CAST_DEADLINE_MS,
      keepalive: true,
    });
    return data;
  }

  /** Own votes; of each project asked for, also where there is none. */
  async ownVotes(projectIds: readonly string[]): Promise<Map<string, Vote | null>> {
    const votes = new Map<string, Vote | null>();
    for (const ids of slices(projectIds)) {
      const path = `/api/votes/user?project_ids=${ids.join(",")}`;
      const found = new Map(
        Object.entries((await this.#read<{ data: { votes: Record<string, Vote> } }>(path)).data.votes),
      );
      for (const id of ids) votes.set(id, found.get(id) ?? null);
    }
    return votes;
  }

  async projects(ids: readonly string[]): Promise<Map<string, Counts>> {
    const found = new Map<string, Counts>();
    for (const some of slices(ids)) {
      const { projects } = await this.#readPublic<{ projects: (Counts & { id: string })[] }>(
        `/api/projects?ids=${some.join(",")}`,
      );
      for (const project of projects) found.set(project.id, project);
    }
    return found;
  }

  boardInfo(id: string): Promise<BoardInfo> {
    return this.#readPublic(`/api/boards/${encodeURIComponent(id)}`);
  }

  board(id: string): Promise<OwnBoardState> {
    return this.#read(`/api/streams?jamId=${encodeURIComponent(id)}`);
  }

  leaderboard(period: LeaderboardPeriod): Promise<LeaderboardState> {
    return this.#readPublic(`/api/leaderboard?period=${period}&limit=${ENTRIES_SHOWN}`);
  }

  launch(date: string): Promise<{ status: LaunchStatus }> {
    return this.#readPublic(`/api/launch?date=${encodeURIComponent(date)}`);
  }

  #readPublic<T>(path: string): Promise<T> {
    return this.#http.json<T>(path, { deadlineMs: READ_DEADLINE_MS, anonymous: true });
  }

  #read<T>(path: string): Promise<T> {
    return this.#http.json<T>(path, { deadlineMs: READ_DEADLINE_MS });
  }
}

function* slices(ids: readonly string[]): Generator<readonly string[]> {
  for (let from = 0; from < ids.length; from += IDS_PER_CALL) yield ids.slice(from, from + IDS_PER_CALL);
}
