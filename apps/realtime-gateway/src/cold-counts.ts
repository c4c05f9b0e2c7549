/**
 * Counts of projects that Redis does not hold, from PostgreSQL: one query at a time, for all who ask meanwhile. When a gateway
 * ends, its sockets come to the others within a second and ask for much the same.
 */
import type { ProjectCounts } from "@votesync/core";

export type ReadCold = (projectIds: readonly string[]) => Promise<Map<string, ProjectCounts>>;

const PROJECTS_PER_QUERY = 1_000;

export class ColdCounts {
  private underWay: Promise<unknown> = Promise.resolve();
  /** The reading that has not begun yet, and what it is to find. */
  private next: { ids: Set<string>; found: Promise<Map<string, ProjectCounts>> } | null = null;

  constructor(private readonly readNow: ReadCold) {}

  /** @returns counts read after this call, of other projects too. @throws what the query throws */
  read(projectIds: readonly string[]): Promise<Map<string, ProjectCounts>> {
    if (this.next === null) {
      const ids = new Set<string>();
      const found = this.underWay.then(() => this.begin(ids));
      this.next = { ids, found };
      this.underWay = found.catch(() => undefined);
    }
    const { ids, found } = this.next;
    for (const id of projectIds) ids.add(id);
    return found;
  }

  private async begin(ids: ReadonlySet<string>): Promise<Map<string, ProjectCounts>> {
    this.next = null;
    const found = new Map<string, ProjectCounts>();
    const all = [...ids];
    for (let from = 0; from < all.length; from += PROJECTS_PER_QUERY) {
      for (const [id, counts] of await this.readNow(all.slice(from, from + PROJECTS_PER_QUERY))) found.set(id, counts);
    }
    return found;
  }
}
