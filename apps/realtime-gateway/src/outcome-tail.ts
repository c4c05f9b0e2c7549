/**
 * Follows the outcome stream for the users who are signed in here: what it says goes to all sockets of its user, and to
 * nobody else. Every gateway reads all of it and drops what is for users elsewhere; these messages are few.
 *
 * Read only while somebody is signed in. The cursor is at the stream's end before a socket's first handshake is answered
 * (`open`), so whatever is published after a client knows that it is connected reaches it. The cursor outlives outages of
 * Redis: what was published meanwhile is told afterwards.
 */
import type { RedisNames } from "@votesync/core";
import { type Outcome, parseOutcome, type RedisClient, readStream, STREAM_START } from "@votesync/redis-store";

const ENTRIES_PER_PAGE = 200;
/** A pass that is far behind stops here; the next one goes on. */
const PAGES_PER_PASS = 5;

export interface OutcomeTailDeps {
  redis: RedisClient;
  names: RedisNames;
  tell: (outcome: Outcome) => void;
  /** A stream entry that is no outcome was passed over. */
  onSkipped: (entryId: string) => void;
}

export class OutcomeTail {
  private readonly users = new Set<string>();
  /** The last entry told; `null` before the stream's end was found. */
  private cursor: string | null = null;

  constructor(private readonly deps: OutcomeTailDeps) {}

  /** The user's first socket came. */
  watch(userId: string): void {
    this.users.add(userId);
  }

  /** The user's last socket went. */
  unwatch(userId: string): void {
    this.users.delete(userId);
  }

  /** Everything that is published after this resolves will be told. @throws when Redis does not answer */
  async open(): Promise<void> {
    if (this.users.size > 0 && this.cursor !== null) return;
    const end = await this.findEnd();
    // Somebody may have come meanwhile, for whom the cursor must not move on.
    if (this.users.size === 0 || this.cursor === null) this.cursor = end;
  }

  /** @returns whether there is more. @throws when Redis does not answer */
  async pass(): Promise<boolean> {
    if (this.users.size === 0) return false;
    if (this.cursor === null) await this.open();
    for (let page = 0; page < PAGES_PER_PASS; page++) {
      if ((await this.readPage(this.cursor as string)) < ENTRIES_PER_PAGE) return false;
    }
    return true;
  }

  private async findEnd(): Promise<string> {
    try {
      const [last] = await this.deps.redis.xrevrange(this.deps.names.outcomes(), "+", "-", "COUNT", 1);
      return last?.[0] ?? STREAM_START;
    } catch (error) {
      // Where somebody else's messages ended long ago is no place to begin for who comes now.
      if (this.users.size === 0) this.cursor = null;
      throw error;
    }
  }

  private async readPage(afterId: string): Promise<number> {
    const { redis, names, tell, onSkipped } = this.deps;
    const entries = await readStream(redis, names.outcomes(), { afterId, count: ENTRIES_PER_PAGE });
    for (const entry of entries) {
      const outcome = parseOutcome(entry);
      if (outcome === null) onSkipped(entry.id);
      else if (this.users.has(outcome.userId)) tell(outcome);
      this.cursor = entry.id;
    }
    return entries.length;
  }
}
