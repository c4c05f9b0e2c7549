/**
 * Brings a project that Redis does not hold into Redis. A thousand votes on one cold project load it once per process;
 * over processes the script lets the first loader win.
 */
import type { RedisNames } from "@votesync/core";
import { readColdProject, readVote } from "@votesync/postgres-store";
import { type KnownVote, loadProject, MAX_LOADED_VOTERS, type RedisClient } from "@votesync/redis-store";
import type pg from "pg";

export interface ColdProjectsDeps {
  redis: RedisClient;
  names: RedisNames;
  pool: pg.Pool;
}

export class ColdProjects {
  private readonly loading = new Map<string, Promise<boolean>>();

  constructor(private readonly deps: ColdProjectsDeps) {}

  /** @returns `false` when there is no such project */
  load(projectId: string): Promise<boolean> {
    const underWay = this.loading.get(projectId);
    if (underWay !== undefined) return underWay;
    const load = this.loadOnce(projectId).finally(() => this.loading.delete(projectId));
    this.loading.set(projectId, load);
    return load;
  }

  /** The row of one user, for a project too large to be loaded whole. */
  async knownVote(row: { projectId: string; userId: string; period: number; generation: string }): Promise<KnownVote> {
    const vote = await readVote(this.deps.pool, row);
    return { generation: row.generation, ...(vote ?? { voteType: "none", version: 0, givenAtUs: 0 }) };
  }

  private async loadOnce(projectId: string): Promise<boolean> {
    const { redis, names, pool } = this.deps;
    const project = await readColdProject(pool, projectId, MAX_LOADED_VOTERS);
    if (project === null) return false;
    await loadProject(redis, names, project);
    return true;
  }
}
