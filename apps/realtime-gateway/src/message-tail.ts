/**
 * Follows a stream of messages for the rooms there are here: what it says goes to all sockets of its room, and to nobody
 * else. Every gateway reads all of it and drops what is for rooms elsewhere; these messages are few.
 *
 * Read only while somebody is in such a room. The cursor is at the stream's end before a socket is told that it is in
 * (`open`), so whatever is published after a client knows that it listens reaches it. The cursor outlives outages of
 * Redis: what was published meanwhile is told afterwards.
 */
import { type RedisClient, readStream, STREAM_START, type StreamEntry } from "@votesync/redis-store";

const ENTRIES_PER_PAGE = 200;
/** A pass that is far behind stops here; the next one goes on. */
const PAGES_PER_PASS = 5;

export interface MessageTailDeps<T> {
  redis: RedisClient;
  /** Key of the stream. */
  stream: string;
  /** `null` for what is no such message. */
  parse: (entry: StreamEntry) => T | null;
  roomOf: (message: T) => string;
  tell: (room: string, message: T) => void;
  /** A stream entry that is no message was passed over. */
  onSkipped: (entryId: string) => void;
}

export class MessageTail<T> {
  private readonly rooms = new Set<string>();
  /** The last entry told; `null` before the stream's end was found. */
  private cursor: string | null = null;

  constructor(private readonly deps: MessageTailDeps<T>) {}

  /** The room's first socket came. */
  watch(room: string): void {
    this.rooms.add(room);
  }

  /** The room's last socket went. */
  unwatch(room: string): void {
    this.rooms.delete(room);
  }

  /** Everything that is published after this resolves will be told. @throws when Redis does not answer */
  async open(): Promise<void> {
    if (this.rooms.size > 0 && this.cursor !== null) return;
    const end = await this.findEnd();
    // Somebody may have come meanwhile, for whom the cursor must not move on.
    if (this.rooms.size === 0 || this.cursor === null) this.cursor = end;
  }

  /** @returns whether there is more. @throws when Redis does not answer */
  async pass(): Promise<boolean> {
    if (this.rooms.size === 0) return false;
    if (this.cursor === null) await this.open();
    for (let page = 0; page < PAGES_PER_PASS; page++) {
      if ((await this.readPage(this.cursor as string)) < ENTRIES_PER_PAGE) return false;
    }
    return true;
  }

  private async findEnd(): Promise<string> {
    try {
      const [last] = await this.deps.redis.xrevrange(this.deps.stream, "+", "-", "COUNT", 1);
      return last?.[0] ?? STREAM_START;
    } catch (error) {
      // Where somebody else's messages ended long ago is no place to begin for who comes now.
      if (this.rooms.size === 0) this.cursor = null;
      throw error;
    }
  }

  private async readPage(afterId: string): Promise<number> {
    const { redis, stream, parse, roomOf, tell, onSkipped } = this.deps;
    const entries = await readStream(redis, stream, { afterId, count: ENTRIES_PER_PAGE });
    for (const entry of entries) {
      const message = parse(entry);
      if (message === null) onSkipped(entry.id);
      else if (this.rooms.has(roomOf(message))) tell(roomOf(message), message);
      this.cursor = entry.id;
    }
    return entries.length;
  }
}
