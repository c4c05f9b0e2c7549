/**
 * Projects on which this replica's fallback took votes. Recovery finds them by their marks in PostgreSQL, within half a
 * second; until then the next vote from here must not be cast on what Redis knew before, so it holds the project first.
 *
 * While Redis is away they grow with the projects that are voted on. Beyond a bound they are forgotten, and trust in Redis with
 * them: whoever establishes trust anew holds every project that has a mark in PostgreSQL.
 */
import type { RedisNames } from "@votesync/core";
import { holdProject, type RedisClient } from "@votesync/redis-store";

/** About 10 MB. */
const MAX_MARKS = 100_000;

export class DegradedHere {
  /** Project id → a number that is new with every vote. */
  private readonly marks = new Map<string, number>();
  private votes = 0;

  constructor(
    private readonly redis: RedisClient,
    private readonly names: RedisNames,
    /** Trust that was established, or begun to be, before this call is worth nothing any more. */
    private readonly onForgotten: () => void = () => undefined,
    private readonly maxMarks = MAX_MARKS,
  ) {}

  get isEmpty(): boolean {
    return this.marks.size === 0;
  }

  /** To be called once the vote is in PostgreSQL, or may be. */
  mark(projectId: string): void {
    this.marks.set(projectId, ++this.votes);
    if (this.marks.size <= this.maxMarks) return;
    this.marks.clear();
    this.onForgotten();
  }

  /** Before a cast. A vote of the fallback that ends later marks the project again. */
  async settle(projectId: string): Promise<void> {
    if (!this.marks.delete(projectId)) return;
    try {
      await holdProject(this.redis, this.names, { projectId, reason: "recovered" });
    } catch (error) {
      this.mark(projectId);
      throw error;
    }
  }

  /** Forgets what was marked before `recover` began, when it says that nothing is degraded. */
  async forgetIf(recover: () => Promise<boolean>): Promise<void> {
    const before = this.votes;
    if (!(await recover())) return;
    for (const [projectId, vote] of this.marks) {
      if (vote <= before) this.marks.delete(projectId);
    }
  }
}
