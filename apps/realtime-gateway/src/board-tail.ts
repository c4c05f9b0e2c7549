/**
 * Tells the rooms of boards how their queues stand. What happens to a board comes from two sides: votes on its streams,
 * through the event tail, which follows them while somebody watches the board; and streams that come or go, as a broadcast.
 * Either way the board is read anew and told whole, so a client needs no memory of it.
 *
 * What always holds: nobody is told a board older than one they were told; after the last change everybody is told; a board
 * is read and told a few times a second at most, the less often the longer its queue is, also one that cannot be read.
 */
import { boardRoom, type JamState, type ProjectCounts, SOCKET_EVENTS } from "@votesync/core";
import type { ReadJam } from "@votesync/jam";

export type BoardMessage =
  | { event: typeof SOCKET_EVENTS.queueUpdated; body: Pick<JamState, "jamId" | "version" | "streams"> }
  | { event: typeof SOCKET_EVENTS.streamActive; body: Pick<JamState, "jamId" | "version" | "activeStream"> };

/** Between two readings of one board, for each of so many streams begun. */
const PAUSE_MS = 100;
const STREAMS_PER_PAUSE = 50;
/** A board is looked at after this long without a reason: a broadcast may be lost with the process that was to send it. */
const LOOK_EVERY_MS = 5_000;
const BOARDS_AT_ONCE = 20;

export interface BoardTailDeps {
  read: (boardId: string) => Promise<ReadJam | null>;
  /** Puts the counters on the board that an event told: its vote may not be answered yet. */
  put: (boardId: string, streamId: string, counts: ProjectCounts) => Promise<void>;
  /** The tail that follows the votes. */
  votes: {
    watch(projectId: string): void;
    unwatch(projectId: string): void;
    open(projectIds: readonly string[]): Promise<void>;
  };
  tell: (room: string, message: BoardMessage) => void;
  nowMs: () => number;
}

interface WatchedBoard {
  id: string;
  /** What the room was told last; `null` before anybody was. */
  told: JamState | null;
  /** The newest version anybody has, from a message or an answer. */
  shownVersion: number;
  streams: Set<string>;
  /** Counters that events told since the last reading. */
  events: Map<string, ProjectCounts>;
  /** When it is to be read next. */
  dueAtMs: number;
  /** When it was read last, to tell what is new. */
  readAtMs: number;
}

export class BoardTail {
  private readonly boards = new Map<string, WatchedBoard>();
  /** Stream → the watched board it is on. */
  private readonly boardsOf = new Map<string, WatchedBoard>();

  constructor(private readonly deps: BoardTailDeps) {}

  /** The room's first socket came. */
  watch(room: string): void {
    const id = room.slice(boardRoom("").length);
    const never = Number.NEGATIVE_INFINITY;
    const fresh = { told: null, shownVersion: never, dueAtMs: this.deps.nowMs() + LOOK_EVERY_MS, readAtMs: never };
    this.boards.set(room, { id, ...fresh, streams: new Set(), events: new Map() });
  }

  /** The room's last socket went. */
  unwatch(room: string): void {
    const board = this.boards.get(room);
    if (board === undefined) return;
    this.boards.delete(room);
    this.follow(board, new Set());
  }

  /** How the board stands for somebody who is in its room: what happens after that will be told. */
  async current(boardId: string): Promise<JamState | null> {
    const jam = await this.deps.read(boardId);
    const board = this.boards.get(boardRoom(boardId));
    if (jam === null || board === undefined) return jam?.state ?? null;
    const state = await this.followAndRead(board, jam.state);
    if (board.told === null) board.told = state;
    else if (state.version > board.told.version) this.soon(board);
    board.shownVersion = Math.max(board.shownVersion, state.version);
    return state;
  }

  /** A stream's counters changed. */
  counted(streamId: string, counts: ProjectCounts): void {
    const board = this.boardsOf.get(streamId);
    if (board === undefined) return;
    board.events.set(streamId, counts);
    this.soon(board);
  }

  /** Streams came or went. */
  changed(boardId: string): void {
    const board = this.boards.get(boardRoom(boardId));
    if (board !== undefined) this.soon(board);
  }

  /** Reads and tells what is due. @returns whether more is due already. @throws when a store does not answer */
  async pass(): Promise<boolean> {
    const nowMs = this.deps.nowMs();
    const due = [...this.boards.values()]
      .filter(({ dueAtMs }) => dueAtMs <= nowMs)
      .sort((a, b) => a.dueAtMs - b.dueAtMs);
    await Promise.all(due.slice(0, BOARDS_AT_ONCE).map((board) => this.tellBoard(board)));
    return due.length > BOARDS_AT_ONCE;
  }

  private async tellBoard(board: WatchedBoard): Promise<void> {
    const events = [...board.events];
    board.events.clear();
    board.readAtMs = this.deps.nowMs();
    board.dueAtMs = board.readAtMs + LOOK_EVERY_MS;
    try {
      await Promise.all(events.map(([streamId, counts]) => this.deps.put(board.id, streamId, counts)));
      const jam = await this.deps.read(board.id);
      if (jam !== null) this.tellNewer(board, await this.followAndRead(board, jam.state));
    } catch (error) {
      for (const [streamId, counts] of events) if (!board.events.has(streamId)) board.events.set(streamId, counts);
      this.soon(board);
      throw error;
    }
  }

  private tellNewer(board: WatchedBoard, state: JamState): void {
    // The last one went, and others may have come since: what they were answered may be newer.
    if (this.boards.get(boardRoom(board.id)) !== board || state.version < board.shownVersion) return;
    const { jamId, version, streams, activeStream } = state;
    const { told } = board;
    board.told = state;
    board.shownVersion = version;
    const room = boardRoom(board.id);
    if (!isEqual(told?.streams, streams)) {
      this.deps.tell(room, { event: SOCKET_EVENTS.queueUpdated, body: { jamId, version, streams } });
    }
    if (told === null || !isEqual(told.activeStream, activeStream)) {
      this.deps.tell(room, { event: SOCKET_EVENTS.streamActive, body: { jamId, version, activeStream } });
    }
  }

  /** As soon as the pause since the last reading is over. */
  private soon(board: WatchedBoard): void {
    const streams = board.told?.streams.length ?? 0;
    const pauseMs = PAUSE_MS * Math.max(1, Math.ceil(streams / STREAMS_PER_PAUSE));
    board.dueAtMs = Math.min(board.dueAtMs, board.readAtMs + pauseMs);
  }

  /** Follows the votes on all streams of the board; read again when some are new, for votes on them in between. */
  private async followAndRead(board: WatchedBoard, state: JamState): Promise<JamState> {
    const ids = streamIds(state);
    const fresh = [...ids].filter((id) => !board.streams.has(id));
    // Nobody watches it any more: what would be followed now would be followed for ever.
    if (this.boards.get(boardRoom(board.id)) !== board) return state;
    this.follow(board, ids);
    if (fresh.length === 0) return state;
    await this.deps.votes.open(fresh);
    return (await this.deps.read(board.id))?.state ?? state;
  }

  private follow(board: WatchedBoard, ids: Set<string>): void {
    for (const id of ids) {
      if (board.streams.has(id)) continue;
      this.boardsOf.set(id, board);
      this.deps.votes.watch(id);
    }
    for (const id of board.streams) {
      if (ids.has(id)) continue;
      this.boardsOf.delete(id);
      this.deps.votes.unwatch(id);
    }
    board.streams = ids;
  }
}

function streamIds({ activeStream, streams }: JamState): Set<string> {
  return new Set([...streams, ...(activeStream === null ? [] : [activeStream])].map(({ id }) => id));
}

const isEqual = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
