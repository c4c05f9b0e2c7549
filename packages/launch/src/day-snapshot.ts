/** What was counted, as PostgreSQL keeps it: what every record and backup of a day is held against. */
import { launchPages } from "@votesync/postgres-store";
import type pg from "pg";
import { rankApps } from "./day-result.js";
import type { FinalApp } from "./final-apps.js";
import { identityOf } from "./register-app.js";

const LAUNCHES_PER_PAGE = 500;

export interface DaySnapshot {
  /** In the order of the result. */
  apps: FinalApp[];
  /** Launches without a result: all before the day's snapshot, none after it. */
  uncounted: string[];
}

export async function readSnapshot(pool: pg.Pool, date: string): Promise<DaySnapshot> {
  const counted: Omit<FinalApp, "rank">[] = [];
  const uncounted: string[] = [];
  for await (const page of launchPages(pool, date, LAUNCHES_PER_PAGE)) {
    for (const launch of page) {
      const { projectId: appId, votes, reachedAt } = launch;
      if (votes === null) uncounted.push(appId);
      else counted.push({ appId, votes, reachedAt, identity: identityOf(launch) });
    }
  }
  return { apps: rankApps(counted), uncounted };
}
