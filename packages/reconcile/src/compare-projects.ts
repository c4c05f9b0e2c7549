/**
 * Compares projects of a shard in both stores, exactly, while votes go on.
 *
 * PostgreSQL is one snapshot, up to the shard's `last_id`. Redis was read just before and may be ahead of it; but every event
 * carries the counters after it, so those *before* a project's first unapplied vote are what Redis had at `last_id`. What
 * cannot be told apart from a moment's haste is looked at again, a few times.
 */
import { setTimeout as delay } from "node:timers/promises";
import { compareStreamIds, countsAfter, countsBefore, parseEvent, type StreamEvent } from "@votesync/core";
import { type Counters, type ProjectCounters, readCountersSnapshot } from "@votesync/postgres-store";
import { findDamagedProjects, type ProjectState, readEvents, readProjectStates } from "@votesync/redis-store";
import type { Stores } from "./stores.js";

/**
 * `waiting`: votes of it are parked or not recovered, or it is held. `unsettled`: it kept moving while it was looked at.
 */
export type Verdict = "same" | "drift" | "waiting" | "unsettled";

export interface Comparison {
  projectId: string;
  verdict: Verdict;
  /** Which counters are not those of the rows. */
  drift: ("redis" | "postgres")[];
  /** At the watermark; `null` where it is not in Redis, or is damaged there. */
  redis: Counters | null;
  postgres: Counters;
  /** `null` where they were not counted. */
  rows: Counters | null;
}

const LOOKS = 6;
const LOOK_AGAIN_MS = 50;
const ENTRIES_PER_PAGE = 1_000;
/** A shard further behind than this is not compared now. */
const MAX_PAGES = 50;

/**
 * @param o.countRows whether to count the votes of all of them; those that differ are counted anyway
 * @returns one comparison per project that exists
 */
export async function compareProjects(
  stores: Stores,
  o: { shard: number; projectIds: readonly string[]; countRows: boolean },
): Promise<Comparison[]> {
  const settled = new Map<string, Comparison>();
  let open = [...o.projectIds];
  for (let look = 1; look <= LOOKS && open.length > 0; look++) {
    if (look > 1) await delay(LOOK_AGAIN_MS);
    const isLast = look === LOOKS;
    for (const found of await lookOnce(stores, { ...o, projectIds: open, isLast })) settled.set(found.projectId, found);
    open = open.filter((id) => settled.get(id)?.verdict === "unsettled");
  }
  const differing = [...settled.values()].filter(({ verdict, rows }) => verdict === "drift" && rows === null);
  if (differing.length > 0) {
    const ids = differing.map(({ projectId }) => projectId);
    for (const found of await compareProjects(stores, { shard: o.shard, projectIds: ids, countRows: true })) {
      settled.set(found.projectId, found);
    }
  }
  return [...settled.values()];
}

/** @param o.isLast a project of which PostgreSQL has seen more each time is one that Redis has lost something of */
async function lookOnce(
  stores: Stores,
  o: { shard: number; projectIds: readonly string[]; countRows: boolean; isLast: boolean },
): Promise<Comparison[]> {
  const states = await readProjectStates(stores.redis, stores.names, o.projectIds);
  const damaged = await findDamagedProjects(stores.redis, stores.names, o.projectIds);
  const { lastId, projects } = await readCountersSnapshot(stores.pool, o);
  const unapplied = await readUnapplied(stores, o.shard, lastId, states);
  return projects.map((project) =>
    compare(project, states.get(project.id), {
      lastId,
      unapplied,
      isDamaged: damaged.has(project.id),
      isLast: o.isLast,
    }),
  );
}

/** Events of each compared project that Redis had when it was read and PostgreSQL did not; `null`: too many to read. */
type Unapplied = Map<string, StreamEvent[]> | null;

async function readUnapplied(
  { redis, names }: Stores,
  shard: number,
  lastId: string,
  states: Map<string, ProjectState>,
): Promise<Unapplied> {
  const upTo = [...states.values()]
    .map(({ lastEventId }) => lastEventId)
    .sort(compareStreamIds)
    .at(-1);
  const events = new Map<string, StreamEvent[]>();
  let afterId = lastId;
  for (let page = 0; upTo !== undefined && compareStreamIds(afterId, upTo) < 0; page++) {
    if (page === MAX_PAGES) return null;
    const entries = await readEvents(redis, names, { shard, afterId, count: ENTRIES_PER_PAGE });
    for (const { wire } of entries) remember(events, wire, states);
    if (entries.length < ENTRIES_PER_PAGE) break;
    afterId = entries.at(-1)?.id ?? upTo;
  }
  return events;
}

function remember(
  events: Map<string, StreamEvent[]>,
  wire: string | undefined,
  compared: ReadonlyMap<string, unknown>,
): void {
  try {
    const event = parseEvent(wire);
    if (!compared.has(event.projectId)) return;
    const known = events.get(event.projectId);
    if (known === undefined) events.set(event.projectId, [event]);
    else known.push(event);
  } catch {
    // No event: the worker parks it, and until then it changes nothing.
  }
}

function compare(
  project: ProjectCounters,
  state: ProjectState | undefined,
  at: { lastId: string; unapplied: Unapplied; isDamaged: boolean; isLast: boolean },
): Comparison {
  const { id: projectId, rows } = project;
  const postgres = { upvotes: project.upvotes, downvotes: project.downvotes };
  const result = (verdict: Verdict, redis: Counters | null, drift: Comparison["drift"] = []): Comparison => ({
    projectId,
    verdict,
    drift,
    redis,
    postgres,
    rows,
  });
  if (project.waiting || state?.isHeld === true) return result("waiting", null);
  const redis = state === undefined || at.isDamaged ? null : redisAtWatermark(project, state, at);
  if (redis === "unsettled" || (redis === "behind" && !at.isLast)) return result("unsettled", state ?? null);
  if (redis === "behind") return result("drift", state ?? null, ["redis"]);
  const truth = rows ?? postgres;
  const drift: Comparison["drift"] = [];
  if (at.isDamaged || (redis !== null && !equal(redis, truth))) drift.push("redis");
  if (!equal(postgres, truth)) drift.push("postgres");
  return result(drift.length === 0 ? "same" : "drift", redis, drift);
}

/** Redis's counters as they were at the watermark. `behind`: the rows have seen more than Redis has. */
function redisAtWatermark(
  project: ProjectCounters,
  state: ProjectState,
  { lastId, unapplied }: { lastId: string; unapplied: Unapplied },
): Counters | "unsettled" | "behind" {
  const now = { upvotes: state.upvotes, downvotes: state.downvotes };
  if (compareStreamIds(state.lastEventId, lastId) <= 0) {
    // PostgreSQL has seen a vote that came after Redis was read; or Redis went back in time, and no event tells.
    return project.version > state.version || project.period !== state.period ? "behind" : now;
  }
  const events = unapplied
    ?.get(project.id)
    ?.filter(({ kind, version }) => kind !== "persisted" && version <= state.version);
  const first = events?.[0];
  const last = events?.at(-1);
  if (first === undefined || last === undefined || last.version !== state.version) return "unsettled";
  // What Redis says now must be what its last event said, or somebody else wrote it.
  if (!equal(now, countsAfter(last))) return now;
  return countsBefore(first) ?? "unsettled";
}

const equal = (a: Counters, b: Counters) => a.upvotes === b.upvotes && a.downvotes === b.downvotes;
