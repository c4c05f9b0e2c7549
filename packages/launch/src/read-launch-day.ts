/**
 * A launch day as people see it: live while it is open, from MongoDB's records once it is final. Those are what the seal is
 * held against, so a record that was changed by hand shows here, and the seal tells.
 */
import { listLaunches, readLaunchCounts, readLaunchDayRow } from "@votesync/postgres-store";
import { type LaunchState, readLaunchStates } from "@votesync/redis-store";
import { rankApps } from "./day-result.js";
import type { LaunchStores } from "./launch-stores.js";
import { votesNow } from "./launch-votes.js";

/** A day is shown up to so many apps. */
const MAX_APPS_SHOWN = 10_000;

export type LaunchDayStatus = "open" | "closing" | "final";

export interface LaunchAppView {
  appId: string;
  name: string;
  votes: number;
  rank: number;
  votingFlushed: boolean;
}

export interface LaunchDayView {
  date: string;
  status: LaunchDayStatus;
  /** Of the results; `null` before the day is final. */
  seal: string | null;
  /** In the order of the board. */
  apps: LaunchAppView[];
}

export interface ReadDayOptions {
  date: string;
  /** When the day itself ends, ms since 1970: later apps may still come until then. */
  dayEndsAtMs: number;
  nowMs: number;
  /** Whether what Redis says now can be relied on. */
  redisUsable: boolean;
}

export async function readLaunchDay(stores: LaunchStores, o: ReadDayOptions): Promise<LaunchDayView> {
  const day = await readLaunchDayRow(stores.pool, o.date);
  if (day === null || day.closesAt === null) {
    return { date: o.date, status: o.dayEndsAtMs > o.nowMs ? "open" : "final", seal: null, apps: [] };
  }
  if (day.isFinal) {
    return { date: o.date, status: "final", seal: day.seal, apps: await readFinalApps(stores, o.date) };
  }
  const endsAtMs = Math.max(day.closesAt.getTime(), day.closedAt === null ? o.dayEndsAtMs : 0);
  const status = endsAtMs > o.nowMs ? "open" : "closing";
  return { date: o.date, status, seal: null, apps: await readLiveApps(stores, o) };
}

async function readFinalApps({ archive }: LaunchStores, date: string): Promise<LaunchAppView[]> {
  const apps: (LaunchAppView & { order: number })[] = [];
  for await (const page of archive.appPages(date)) {
    for (const { appId, name, likes, rank, reachedAt, votingFlushed } of page) {
      const order = reachedAt?.getTime() ?? Number.POSITIVE_INFINITY;
      apps.push({ appId, name, votes: likes, rank: rank ?? 0, votingFlushed, order });
    }
  }
  apps.sort((a, b) => a.rank - b.rank || a.order - b.order || (a.appId < b.appId ? -1 : 1));
  return apps.map(({ order: _, ...app }) => app);
}

async function readLiveApps(stores: LaunchStores, o: ReadDayOptions): Promise<LaunchAppView[]> {
  // Redis first: what happens between the two reads is then newer in PostgreSQL, and its version says so.
  const live = o.redisUsable ? await readLive(stores, o.date) : new Map<string, never>();
  const launches = await readLaunchCounts(stores.pool, { date: o.date, limit: MAX_APPS_SHOWN });
  const nowUs = o.nowMs * 1_000;
  const ranked = rankApps(
    launches.map((launch) => ({
      appId: launch.projectId,
      name: launch.name,
      ...votesNow(launch, live.get(launch.projectId), nowUs),
    })),
  );
  return ranked.map(({ appId, name, votes, rank }) => ({ appId, name, votes, rank, votingFlushed: false }));
}

/** Without Redis the counters of the rows are shown: a little late, never wrong. */
async function readLive({ redis, names, pool }: LaunchStores, date: string): Promise<Map<string, LaunchState>> {
  const launches = await listLaunches(pool, { date, afterId: "", limit: MAX_APPS_SHOWN });
  const ids = launches.map(({ projectId }) => projectId);
  return readLaunchStates(redis, names, ids).catch(() => new Map());
}
