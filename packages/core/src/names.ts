/**
 * Every key, stream, lock and socket event name of votesync, and nothing else knows them.
 *
 * All keys of one project carry its shard as a Redis Cluster hash tag (`{s3}`), so that one script may touch all of
 * them wherever they live. User ids are percent-encoded: no two of them share a key, none holds a `:`.
 */
import { encodeUserId } from "./ids.js";

/** Shards of a new installation. Fixed at the first start: the shard of a project must never move. */
export const DEFAULT_VOTE_SHARDS = 8;

/** FNV-1a, 32 bit: stable over processes and releases, and cheap. Project ids are ASCII. */
export function shardOf(projectId: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < projectId.length; i++) {
    hash = Math.imul(hash ^ projectId.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % shards;
}

/** Names of the keys in Redis. `prefix` keeps two installations (or two tests) on one Redis apart. */
export class RedisNames {
  constructor(
    readonly shards: number = DEFAULT_VOTE_SHARDS,
    readonly prefix: string = "vs",
  ) {}

  shardOf(projectId: string): number {
    return shardOf(projectId, this.shards);
  }

  allShards(): number[] {
    return Array.from({ length: this.shards }, (_, shard) => shard);
  }

  private of(shard: number, rest: string): string {
    return `${this.prefix}:{s${shard}}:${rest}`;
  }

  private ofProject(projectId: string, rest: string): string {
    return this.of(this.shardOf(projectId), rest);
  }

  /**
   * Hash: upvotes, downvotes, version, period, voters ("complete" | "partial"), generation, last_event; while it has a
   * field `held`, nobody may vote until somebody with that token has loaded it anew. Beside it `hold_reason`, and what
   * the hold covers: `hold_votes`, `hold_reloads`.
   */
  project(projectId: string): string {
    return `${this.projectsOfShard(this.shardOf(projectId))}${projectId}`;
  }

  /** The project id is appended by the script. */
  projectsOfShard(shard: number): string {
    return this.of(shard, "project:");
  }

  /** Hash, one per period: user id → `<vote>:<version>:<given at, µs>`. The period is appended by the script. */
  votesOfPeriods(projectId: string): string {
    return this.ofProject(projectId, `votes:${projectId}:`);
  }

  votes(projectId: string, period: number): string {
    return `${this.votesOfPeriods(projectId)}${period}`;
  }

  /** Stream of vote events of a shard. */
  events(shard: number): string {
    return this.of(shard, "events");
  }

  /** Sorted set: project id → version of its last change, for the pass that compares stores. */
  changed(shard: number): string {
    return this.of(shard, "changed");
  }

  /** Set: projects whose counters a worker found differing from PostgreSQL's. */
  drifted(shard: number): string {
    return this.of(shard, "drifted");
  }

  /** Sorted set: project id → when it was loaded, µs. Names every project Redis holds. */
  loaded(shard: number): string {
    return this.of(shard, "loaded");
  }

  /**
   * Sorted set: project id → when any replica may reload it, µs. Names every project that is held; one that was loaded
   * meanwhile leaves it a little later.
   */
  reload(shard: number): string {
    return this.of(shard, "reload");
  }

  /** String: which life of the shard's data this is; PostgreSQL has the same uuid. */
  epoch(shard: number): string {
    return this.of(shard, "epoch");
  }

  /** String: the last entry of the event stream that PostgreSQL is known to have applied. It only grows. */
  applied(shard: number): string {
    return this.of(shard, "applied");
  }

  /** String: which installation the shard's data belong to; PostgreSQL has the same uuid. */
  installation(shard: number): string {
    return this.of(shard, "installation");
  }

  /** String: how many votes of the fallback PostgreSQL is known to have. It only grows. */
  fallbackVotes(shard: number): string {
    return this.of(shard, "fallback-votes");
  }

  /** String, kept a day: Redis lost the shard's answers to Idempotency-Keys; PostgreSQL may know them. */
  keysLost(shard: number): string {
    return this.of(shard, "keys-lost");
  }

  /** Hash of counters: figures of all vote-api replicas. */
  voteFigures(): string {
    return `${this.prefix}:figures:votes`;
  }

  /** Stream of messages to single users: a failed vote, a notification. */
  outcomes(): string {
    return `${this.prefix}:outcomes`;
  }

  /** Stream of messages to everybody who watches a topic: a launch day that is final. */
  broadcasts(): string {
    return `${this.prefix}:broadcasts`;
  }

  /** All keys of leaderboards share a slot: a vote gives points on four of them at once. */
  private ofBoards(rest: string): string {
    return `${this.prefix}:{boards}:${rest}`;
  }

  /** Prefix of sorted sets, user id → points; a board's name is appended: `daily:2026-11-23`. */
  get boards(): string {
    return this.ofBoards("points:");
  }

  /** Prefix of sets: users whose points changed since the last sync. */
  get dirtyUsers(): string {
    return this.ofBoards("dirty:");
  }

  /** Prefix of sets: those that a sync has taken and not finished. */
  get takenUsers(): string {
    return this.ofBoards("taken:");
  }

  /** Prefix of sorted sets: what is read back from PostgreSQL after a loss. */
  get restoredBoards(): string {
    return this.ofBoards("restored:");
  }

  /** Set: names of the boards there are. */
  boardNames(): string {
    return this.ofBoards("names");
  }

  /** Set: names of boards that are over, and whose points do not change any more. */
  frozenBoards(): string {
    return this.ofBoards("frozen");
  }

  /** Hash: shard → the last of its point moves that was given, `<id>@<made at, ms>`. In one slot with the points: both go back together. */
  pointsGiven(): string {
    return this.ofBoards("given");
  }

  /** String: which life of the boards this is; PostgreSQL has the same uuid. */
  boardsEpoch(): string {
    return this.ofBoards("epoch");
  }

  private ofJam(boardId: string, rest: string): string {
    return `${this.prefix}:{jam:${boardId}}:${rest}`;
  }

  /**
   * Hash: what is known of a board's queue. version, structure, loaded_at, streams (JSON), and per stream `c:<id>`:
   * `<upvotes>:<downvotes>:<version>`.
   */
  jamQueue(boardId: string): string {
    return this.ofJam(boardId, "queue");
  }

  /** List: the board's last votes, newest first. */
  jamActions(boardId: string): string {
    return this.ofJam(boardId, "actions");
  }

  /** Number: grows when lists may have changed. What is cached of lists carries it in its key. */
  listsGeneration(): string {
    return `${this.prefix}:lists:generation`;
  }

  /** String: what a request came to, kept an hour. */
  request(shard: number, requestId: string): string {
    return this.of(shard, `request:${requestId}`);
  }

  /** String: the project's version after a dead letter's vote was taken back, kept a day. */
  withdrawal(shard: number, streamId: string): string {
    return this.of(shard, `withdrawn:${streamId}`);
  }

  /** String: the remembered answer to an Idempotency-Key, kept a day. */
  idempotency(projectId: string, userId: string, key: string): string {
    return this.ofProject(projectId, `idem:${projectId}:${encodeUserId(userId)}:${encodeUserId(key)}`);
  }

  /** List: times (µs) of the user's answered votes on the project within the window. */
  rate(projectId: string, userId: string): string {
    return this.ofProject(projectId, `rate:${projectId}:${encodeUserId(userId)}`);
  }
}

/** First keys of PostgreSQL advisory locks, `pg_advisory_lock(class, object)`. */
export const ADVISORY_LOCKS = {
  migration: 7_301,
  /** object: the shard a worker applies */
  workerShard: 7_302,
  /** object: a worker's random number; how many are held is how many workers live */
  workerPresence: 7_303,
  /** object: the shard whose Redis data are checked, rebuilt or recovered after a fallback */
  shardRecovery: 7_304,
  /** object: the shard that is brought over from Redis after PostgreSQL went back in time */
  postgresRecovery: 7_308,
  /** object: the shard that the periodic pass compares */
  shardReconcile: 7_305,
  /** object: 0; who makes and drops partitions and deletes old rows */
  upkeep: 7_306,
  /** object: 0. Scores of owners are summed and written one batch at a time, so no older sum overwrites a newer. */
  ownerScores: 7_310,
  /** object: 0; who brings the leaderboards to PostgreSQL */
  leaderboardSync: 7_320,
  /** object: 0; who gives points by hand */
  handPoints: 7_321,
  /** object: a launch day as a number, 20241231; who finalizes it, or flushes or recovers its votes */
  launchDay: 7_311,
} as const;

/** Queues of BullMQ: every one there is, so that an operator sees all of them. */
export const QUEUES = {
  /** What follows from applied votes: notifications, owners' scores, stale lists. */
  sideEffects: "side-effects",
  /** The periodic comparison of the stores. */
  reconcile: "reconcile",
  /** The end of a launch day: its result, its backup, the flush of its votes. */
  launches: "launches",
  /** Leaderboards to PostgreSQL. */
  leaderboards: "leaderboards",
} as const;
export type QueueName = (typeof QUEUES)[keyof typeof QUEUES];

/** Before all keys of BullMQ. A hash tag: its scripts touch many keys, which must share a slot of a cluster. */
export const QUEUE_PREFIX = "{bull}";

export const SOCKET_EVENTS = {
  subscribe: "subscribe",
  unsubscribe: "unsubscribe",
  voteCast: "vote:cast",
  voteRemoved: "vote:removed",
  voteReconciled: "vote:reconciled",
  voteFailed: "vote:failed",
  notification: "notification",
  launchFinalized: "launch:finalized",
  leaderboardUpdated: "leaderboard:updated",
  queueUpdated: "queue:updated",
  streamActive: "stream:active",
  tokenExpired: "token:expired",
} as const;

/** Socket.IO room of everybody who watches a project. */
export const projectRoom = (projectId: string) => `project:${projectId}`;

/** Socket.IO room of everybody who watches a launch day. */
export const launchRoom = (date: string) => `launch:${date}`;

/** Socket.IO room of everybody who watches a leaderboard. */
export const leaderboardRoom = (period: string) => `leaderboard:${period}`;

/** Socket.IO room of everybody who watches a board. */
export const boardRoom = (boardId: string) => `board:${boardId}`;

/** Socket.IO room of all sockets of a user. */
export const userRoom = (userId: string) => `user:${userId}`;
