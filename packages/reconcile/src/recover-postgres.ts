/**
 * PostgreSQL went back in time: it was restored from a copy, or failed over to a server that lagged. Redis still has what happened
 * since, and this brings it over, one shard after the other:
 *
 * 1. projects that PostgreSQL lost, as Redis knows them;
 * 2. the event stream from the watermark on, as far as it is kept: the same batches that a worker applies;
 * 3. voting periods that ended, and the votes of projects that Redis holds: those of the fallback, and those whose entries are
 *    trimmed already.
 *
 * Nothing can be overwritten by it: of two wishes of a user the newer one stands, whichever store it comes from. So it may be
 * repeated, be killed, and run while votes go on. What neither store has any more stays lost, and the report says what Redis had.
 */
import {
  ADVISORY_LOCKS,
  type ClosedEvent,
  compareStreamIds,
  NewerEventError,
  newerFormatOf,
  tryParseEvent,
  voteTransition,
} from "@votesync/core";
import {
  applyEvents,
  type BroughtVote,
  bringVotesOver,
  endProjectPeriods,
  findUnknownProjects,
  makeProjectAgain,
  openIncident,
  raiseFallbackVotes,
  readShardEpoch,
  readVoteStamps,
  recountProject,
  resolveIncident,
  tryAdvisoryLock,
} from "@votesync/postgres-store";
import {
  holdsAllAfter,
  readEvents,
  readHeldVotes,
  readShardMarks,
  readStreamEnd,
  readWholeProject,
  type StoredVote,
  type StreamEntry,
  scanLoadedProjects,
  type WholeProject,
} from "@votesync/redis-store";
import { v7 as uuidv7 } from "uuid";
import { applyEntries } from "./apply-entries.js";
import { isPostgresBehind } from "./shard-trust.js";
import type { Stores } from "./stores.js";

const ENTRIES_PER_BATCH = 500;
const NO_OWNER = "unknown";

export interface BroughtOver {
  shard: number;
  /** Up to where PostgreSQL had applied the shard, and up to where it once had. */
  from_id: string;
  once_applied: string;
  /** Entries of the event stream that were applied again. */
  entries: number;
  /** Whether the stream still held everything since; else what Redis has of votes is all there is. */
  stream_complete: boolean;
  /** Votes that no entry brought, but projects in Redis did. */
  votes: number;
  /** Projects that were made again. */
  projects: string[];
}

/** Somebody else recovers the shard. */
export class RecoveryRunningError extends Error {
  override readonly name = "RecoveryRunningError";
  constructor(readonly shard: number) {
    super("somebody else recovers this shard");
  }
}

/**
 * @param o.dryRun changes nothing, and says what would be brought over
 * @returns `null` when PostgreSQL is not behind
 * @throws {RecoveryRunningError}
 */
export async function recoverPostgresShard(
  stores: Stores,
  shard: number,
  o: { dryRun: boolean },
): Promise<BroughtOver | null> {
  const { redis, names, pool } = stores;
  const marks = await readShardMarks(redis, names, shard);
  const progress = await readShardEpoch(pool, shard);
  if (!isPostgresBehind(progress, marks)) return null;
  // A worker has noticed it before, if one runs.
  const details = { from_id: progress.lastId, once_applied: marks.applied };
  if (!o.dryRun) await openIncident(pool, { store: "postgres", shard, details });
  const work = () => new ShardRecovery(stores, shard, o.dryRun).run(progress.lastId, marks.applied ?? progress.lastId);
  const report = await tryAdvisoryLock(pool, ADVISORY_LOCKS.postgresRecovery, shard, work);
  if (report === null) throw new RecoveryRunningError(shard);
  if (o.dryRun) return report;
  await raiseFallbackVotes(pool, shard, marks.fallbackVotes);
  await resolveIncident(pool, { store: "postgres", shard, details: { ...report } });
  return report;
}

class ShardRecovery {
  private readonly report: BroughtOver;

  constructor(
    private readonly stores: Stores,
    private readonly shard: number,
    private readonly dryRun: boolean,
  ) {
    const nothing = { entries: 0, stream_complete: true, votes: 0, projects: [] };
    this.report = { shard, from_id: "", once_applied: "", ...nothing };
  }

  async run(fromId: string, onceApplied: string): Promise<BroughtOver> {
    this.report.from_id = fromId;
    this.report.once_applied = onceApplied;
    const { redis, names } = this.stores;
    // Nothing that was applied is missing where only votes of the fallback are.
    this.report.stream_complete =
      fromId === onceApplied || (await holdsAllAfter(redis, names, { shard: this.shard, id: fromId }));
    const end = await readStreamEnd(redis, names, this.shard);
    await this.applyStream(fromId, compareStreamIds(end, onceApplied) > 0 ? end : onceApplied);
    for await (const ids of scanLoadedProjects(redis, names, this.shard)) {
      await this.makeAgain(ids);
      for (const id of ids) await this.bringProjectOver(id);
    }
    return this.report;
  }

  /** As far as it goes now, and at least as far as PostgreSQL once was; what comes after that the worker applies as ever. */
  private async applyStream(fromId: string, until: string): Promise<void> {
    const { redis, names } = this.stores;
    let afterId = fromId;
    while (compareStreamIds(afterId, until) < 0) {
      const entries = await readEvents(redis, names, { shard: this.shard, afterId, count: ENTRIES_PER_BATCH });
      if (entries.length === 0) {
        // The end of it was lost by both; nothing comes after it.
        if (!this.dryRun) await this.moveWatermark(afterId, until);
        return;
      }
      const lastId = entries.at(-1)?.id ?? until;
      await this.makeAgain(projectsOf(entries));
      if (!this.dryRun) await this.apply(afterId, entries);
      this.report.entries += entries.length;
      afterId = lastId;
    }
  }

  /** @throws {ShardMovedError} somebody else applies: begin again. @throws {NewerEventError} */
  private async apply(fromId: string, entries: StreamEntry[]): Promise<void> {
    const newer = entries.map(({ wire }) => newerFormatOf(wire)).find((format) => format !== null);
    if (newer != null) throw new NewerEventError(newer);
    await applyEntries(this.stores.pool, { shard: this.shard, fromId, entries, retryAt: new Date() });
  }

  private async moveWatermark(fromId: string, toId: string): Promise<void> {
    const nothing = { events: [], failed: [], retryAt: new Date() };
    await applyEvents(this.stores.pool, { shard: this.shard, fromId, toId, ...nothing });
  }

  private async makeAgain(ids: readonly string[]): Promise<void> {
    const { redis, names, pool } = this.stores;
    for (const id of await findUnknownProjects(pool, ids)) {
      if (this.report.projects.includes(id)) continue;
      this.report.projects.push(id);
      if (!this.dryRun) await makeProjectAgain(pool, lostProject(id, await readWholeProject(redis, names, id)));
    }
  }

  private async bringProjectOver(id: string): Promise<void> {
    const { redis, names, pool } = this.stores;
    const project = await readWholeProject(redis, names, id);
    if (project === null) return;
    const ended = closedEvents(project);
    if (!this.dryRun && ended.length > 0) await endProjectPeriods(pool, this.shard, ended);
    for (const period of [...project.closed.keys(), project.period]) {
      for await (const held of readHeldVotes(redis, names, { projectId: id, period })) {
        await this.bringVotesOver(project, period, held);
      }
    }
    if (!this.dryRun) await recountProject(pool, { shard: this.shard, projectId: id });
  }

  private async bringVotesOver({ id, version }: WholeProject, period: number, held: StoredVote[]): Promise<void> {
    const { pool } = this.stores;
    const byUser = new Map(held.map((vote) => [vote.userId, vote]));
    const rows = await readVoteStamps(pool, { projectId: id, period, userIds: [...byUser.keys()] });
    const newer = [...byUser.values()].filter((vote) => vote.version > (rows.get(vote.userId)?.stamp ?? 0));
    this.report.votes += newer.length;
    if (this.dryRun || newer.length === 0) return;
    const votes = newer.map((vote): BroughtVote => {
      const previousVoteType = rows.get(vote.userId)?.voteType ?? "none";
      return {
        projectId: id,
        period,
        userId: vote.userId,
        voteType: vote.voteType,
        stamp: vote.version,
        givenAtUs: vote.givenAtUs,
        version,
        requestId: `${this.shard}.${uuidv7()}`,
        previousVoteType,
        action: voteTransition(previousVoteType, vote.voteType).action,
      };
    });
    await bringVotesOver(pool, this.shard, votes);
  }
}

const projectsOf = (entries: readonly StreamEntry[]) => [
  ...new Set(entries.flatMap(({ wire }) => tryParseEvent(wire)?.projectId ?? [])),
];

/** What nobody knows of it can be told from its title. */
function lostProject(id: string, known: WholeProject | null) {
  const { title = id, url = null, ownerId = NO_OWNER, createdAtMs = Date.now() } = known?.about ?? {};
  const { boardId = null, upOnly = false, opensAtUs = null, closesAtUs = null } = known ?? {};
  // From the oldest end that Redis remembers on, the ends move it on again.
  const period = Math.min(known?.period ?? 0, ...(known?.closed.keys() ?? []));
  return { id, title, url, ownerId, createdAtMs, boardId, upOnly, opensAtUs, closesAtUs, period };
}

/** The ends of periods as their events said them. */
function closedEvents({ id, version, closed }: WholeProject): ClosedEvent[] {
  const periods = [...closed].sort(([a], [b]) => a - b);
  return periods.map(([period, { upvotes, downvotes, instantUs }]) => ({
    kind: "closed",
    projectId: id,
    period,
    version,
    upvotes,
    downvotes,
    instantUs,
    acceptedAtUs: instantUs,
  }));
}
