/** The apps of a day that was counted, in the order of the result; and their records, before it is. */
import type { LaunchAppIdentity } from "@votesync/mongo-store";
import { launchPages } from "@votesync/postgres-store";
import type pg from "pg";
import { type RankedApp, rankApps } from "./day-result.js";
import type { LaunchStores } from "./launch-stores.js";
import { addRecords, identityOf } from "./register-app.js";

const LAUNCHES_PER_PAGE = 500;

export interface FinalApp extends RankedApp {
  identity: LaunchAppIdentity;
}

/** A day is held in memory whole, at some hundred bytes per app: ranks need all of it. */
export async function readFinalApps(pool: pg.Pool, date: string): Promise<FinalApp[]> {
  const apps: Omit<FinalApp, "rank">[] = [];
  for await (const page of launchPages(pool, date, LAUNCHES_PER_PAGE)) {
    for (const launch of page) {
      if (launch.votes === null) throw new Error(`${launch.projectId} has not been counted`);
      const { projectId: appId, votes, reachedAt } = launch;
      apps.push({ appId, votes, reachedAt, identity: identityOf(launch) });
    }
  }
  return rankApps(apps);
}

/** Makes the records that a registration was cut off before. */
export async function addMissingRecords(stores: LaunchStores, date: string): Promise<void> {
  for await (const page of launchPages(stores.pool, date, LAUNCHES_PER_PAGE)) {
    const ids = page.map(({ projectId }) => projectId);
    const found = await stores.archive.findApps(date, ids);
    const missing = page.filter(({ projectId }) => !found.has(projectId));
    if (missing.length > 0) await addRecords(stores, date, missing);
  }
}
