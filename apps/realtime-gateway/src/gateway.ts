/**
 * The gateway as a whole: one HTTP server with socket.io and the operator's pages, and the loop that tells the rooms.
 * Every replica follows the streams by itself, so replicas need no adapter between them and no knowledge of each other.
 */
import {
  boardRoom,
  launchRoom,
  leaderboardRoom,
  type ProjectCounts,
  projectRoom,
  type RedisNames,
  SOCKET_EVENTS,
  userRoom,
} from "@votesync/core";
import { JamQueues } from "@votesync/jam";
import type { LaunchArchive } from "@votesync/mongo-store";
import type { PostgresConnection } from "@votesync/postgres-store";
import {
  type Broadcast,
  type Outcome,
  parseBroadcast,
  parseOutcome,
  putStream,
  type RedisConnection,
} from "@votesync/redis-store";
import { createHealth, createLoop, type Logger, type Service, type TokenVerifier } from "@votesync/service-kit";
import type { Registry } from "prom-client";
import { BoardTail } from "./board-tail.js";
import { answerCalls, type Call } from "./calls.js";
import type { TrustsHop } from "./client-address.js";
import { ColdCounts } from "./cold-counts.js";
import { EventTail } from "./event-tail.js";
import { FanOut } from "./fan-out.js";
import { createGatewayMetrics, exposeGauges, type GatewayMetrics, observeTail } from "./gateway-metrics.js";
import { admit } from "./handshake.js";
import { createHttpServer } from "./http-server.js";
import { Listener } from "./listener.js";
import { MessageTail } from "./message-tail.js";
import { coldReader, readSnapshot } from "./snapshot.js";
import { createSocketServer } from "./socket-server.js";
import type { GatewayServer, StateMessage } from "./sockets.js";
import { subscribe, unsubscribe } from "./subscriptions.js";
import { signInUntilExpiry } from "./token-expiry.js";
import { boardTopic, launchTopic, leaderboardTopic, type Topic } from "./topics.js";

export interface GatewayDeps {
  redis: RedisConnection;
  postgres: PostgresConnection;
  names: RedisNames;
  /** `null` without MongoDB: then launch days are unknown here. */
  archive: LaunchArchive | null;
  verifier: TokenVerifier;
  registry: Registry;
  log: Logger;
  /** A clock that never goes back, with any origin. */
  nowMs: () => number;
  options: GatewayOptions;
}

export interface GatewayOptions {
  /** 0: any free one. */
  port: number;
  corsOrigins: string[];
  trustsProxy: TrustsHop;
  /** Pause between two passes over the streams. */
  foldWindowMs: number;
  maxSocketsPerAddress: number;
  /** Per socket, whatever they hold. */
  maxPacketsPerSecond: number;
  maxRoomsPerSocket: number;
  /** The zone launch days are days of. */
  launchZone: string;
  /** The zone leaderboards turn in. */
  leaderboardZone: string;
}

export interface Gateway {
  /** In the order to start them. */
  services: Service[];
  listener: Listener;
}

/** Messages to single users, and broadcasts, are no race. */
const MESSAGE_PAUSE_MS = 100;

/** Puts the parts together; nothing listens or connects before the services are started. */
export function createGateway(deps: GatewayDeps): Gateway {
  const { options, log, nowMs, registry } = deps;
  const metrics = createGatewayMetrics(registry);
  const server = createHttpServer(healthOf(deps), log);
  const io = createSocketServer(server, { ...options, metrics, nowMs });
  const tell = teller(new FanOut(io, () => metrics.slowSockets.inc()), metrics);
  const tail: EventTail = createTail(deps, tell, metrics, (id, counts) => boards.counted(id, counts));
  const boards = createBoardTail(deps, tell, tail);
  exposeGauges(registry, {
    sockets: () => io.of("/").sockets.size,
    projects: () => tail.projects,
    shards: () => tail.shards,
  });
  const outcomes = createOutcomeTail(deps, io, metrics);
  const broadcasts = createBroadcastTail(deps, tell, boards);
  watchRooms(io, projectRoom(""), {
    watch: (room) => tail.watch(room.slice(projectRoom("").length)),
    unwatch: (room) => tail.unwatch(room.slice(projectRoom("").length)),
  });
  watchRooms(io, userRoom(""), outcomes);
  watchRooms(io, launchRoom(""), broadcasts);
  watchRooms(io, leaderboardRoom(""), broadcasts);
  watchRooms(io, boardRoom(""), broadcasts);
  watchRooms(io, boardRoom(""), boards);
  acceptSockets(io, { tail, outcomes, broadcasts, boards }, deps);
  const runOnce = async () => {
    await tail.pass();
    return false;
  };
  // A timer that fires early finds nothing to do, and waits for the rest.
  const idleMs = () => tail.restMs;
  const loop = createLoop({ name: "event-tail", runOnce, idleMs, log });
  const follow = (name: string, messages: { pass(): Promise<boolean> }, idleMs = MESSAGE_PAUSE_MS) =>
    createLoop({ name, runOnce: () => messages.pass(), idleMs, log });
  const listener = new Listener({ server, io, port: options.port, log });
  const followers = [
    follow("outcome-tail", outcomes),
    follow("broadcast-tail", broadcasts),
    follow("board-tail", boards, options.foldWindowMs),
  ];
  return { services: [loop, ...followers, listener], listener };
}

function healthOf({ redis, postgres, registry }: GatewayDeps) {
  return createHealth({
    service: "realtime-gateway",
    registry,
    checks: [
      { name: "redis", required: true, check: redis.ping },
      // Needed for projects nobody has voted on lately; all others go on without it.
      { name: "postgres", required: false, check: postgres.ping },
    ],
  });
}

type Tell = (room: string, message: StateMessage, key?: string) => void;

function teller(fanOut: FanOut, metrics: GatewayMetrics): Tell {
  return (room, message, key) => {
    metrics.deliveries.inc(fanOut.send(room, message, key));
    metrics.messages.inc({ event: message.event });
  };
}

function createTail(
  { redis, postgres, names, log, nowMs, options }: GatewayDeps,
  tell: Tell,
  metrics: GatewayMetrics,
  onCounted: (projectId: string, counts: ProjectCounts) => void,
): EventTail {
  const stores = { redis: redis.client, names, cold: new ColdCounts(coldReader(postgres.prisma)) };
  return new EventTail({
    redis: redis.client,
    names,
    nowMs,
    paceMs: options.foldWindowMs,
    readSnapshot: (ids) => readSnapshot(stores, ids),
    observer: observeTail(metrics, log),
    tell: (message, acceptedAtUs) => {
      tell(projectRoom(message.body.id), message);
      onCounted(message.body.id, message.body);
      if (acceptedAtUs !== undefined)
        metrics.foldLag.observe(Math.max(0, Date.now() / 1_000 - acceptedAtUs / 1_000_000));
    },
  });
}

function createBoardTail({ redis, postgres, names, nowMs }: GatewayDeps, tell: Tell, votes: EventTail): BoardTail {
  const stores = { redis: redis.client, names, pool: postgres.pool };
  const queues = new JamQueues(stores, () => redis.client.status === "ready");
  return new BoardTail({
    votes,
    nowMs,
    read: (boardId) => queues.read(boardId),
    put: (boardId, streamId, counts) => putStream(redis.client, names, { boardId, streamId, counts, action: null }),
    tell: (room, message) => tell(room, message, `${message.event} ${room}`),
  });
}

function createOutcomeTail({ redis, names, log }: GatewayDeps, io: GatewayServer, metrics: GatewayMetrics) {
  return new MessageTail<Outcome>({
    redis: redis.client,
    stream: names.outcomes(),
    parse: parseOutcome,
    roomOf: ({ userId }) => userRoom(userId),
    tell: (room, { event, body }) => {
      io.to(room).emit(event, body);
      metrics.messages.inc({ event });
    },
    onSkipped: (entryId) => log.error({ entry: entryId }, "an entry of the outcome stream cannot be read, skipped"),
  });
}

function createBroadcastTail({ redis, names, log }: GatewayDeps, tell: Tell, boards: BoardTail) {
  return new MessageTail<Broadcast>({
    redis: redis.client,
    stream: names.broadcasts(),
    parse: parseBroadcast,
    roomOf: broadcastRoom,
    tell: (room, message) => {
      if (message.event === "board:changed") boards.changed(message.body.boardId);
      else tell(room, message);
    },
    onSkipped: (entryId) => log.error({ entry: entryId }, "an entry of the broadcast stream cannot be read, skipped"),
  });
}

function broadcastRoom({ event, body }: Broadcast): string {
  switch (event) {
    case "launch:finalized":
      return launchRoom(body.date);
    case "leaderboard:updated":
      return leaderboardRoom(body.period);
    case "board:changed":
      return boardRoom(body.boardId);
  }
}

/** Followed while the room exists: socket.io makes a room with its first socket and drops it with its last. */
function watchRooms(
  io: GatewayServer,
  prefix: string,
  tail: { watch(room: string): void; unwatch(room: string): void },
): void {
  const { adapter } = io.of("/");
  adapter.on("create-room", (room: string) => {
    if (room.startsWith(prefix)) tail.watch(room);
  });
  adapter.on("delete-room", (room: string) => {
    if (room.startsWith(prefix)) tail.unwatch(room);
  });
}

function acceptSockets(
  io: GatewayServer,
  tails: { tail: EventTail; outcomes: MessageTail<Outcome>; broadcasts: MessageTail<Broadcast>; boards: BoardTail },
  deps: GatewayDeps,
): void {
  const { verifier, options, nowMs, log } = deps;
  const { tail, outcomes, broadcasts, boards } = tails;
  const topics = topicsOf(deps, boards);
  const openBroadcasts = () => broadcasts.open();
  const { maxRoomsPerSocket } = options;
  const calls = new Map<string, Call>([
    [SOCKET_EVENTS.subscribe, subscribe({ tail, topics, openBroadcasts, maxRoomsPerSocket, nowMs })],
    [SOCKET_EVENTS.unsubscribe, unsubscribe({ topics })],
  ]);
  // Redis being away must not keep anybody from connecting: what is told later is stored elsewhere too.
  const beforeAdmitting = () => outcomes.open().catch(() => undefined);
  io.use(admit(verifier, beforeAdmitting, log));
  io.on("connection", (socket) => {
    signInUntilExpiry(socket);
    answerCalls(socket, { calls, nowMs, log });
  });
}

function topicsOf({ redis, names, postgres, archive, options }: GatewayDeps, boards: BoardTail): Topic[] {
  const stores = { redis: redis.client, names, pool: postgres.pool };
  const leaderboards = leaderboardTopic(stores, options.leaderboardZone);
  const always = [boardTopic(boards), leaderboards];
  return archive === null ? always : [...always, launchTopic({ ...stores, archive }, options.launchZone)];
}
