/**
 * The proof of a day's result: the seal of what people look at, computed anew, against the one that was stored, twice, when the
 * day became final. When they differ, the snapshot tells who was changed.
 */
import { readLaunchDayRow } from "@votesync/postgres-store";
import { sealOf } from "./day-result.js";
import { readSnapshot } from "./day-snapshot.js";
import type { FinalApp } from "./final-apps.js";
import type { LaunchStores } from "./launch-stores.js";
import { DayNotFinalError } from "./repair-errors.js";

export interface SealedResult {
  /** `null` for what is no number. */
  votes: number | null;
  rank: number | null;
}

export interface SealDifference {
  appId: string;
  /** As counted; `null` for what was not launched. */
  expected: SealedResult | null;
  /** As people see it; `null` when its record is lost. */
  found: SealedResult | null;
}

export interface SealReport {
  date: string;
  valid: boolean;
  /** As PostgreSQL keeps it. */
  seal: string | null;
  /** As MongoDB keeps it; the same, unless somebody changed one of them. */
  archivedSeal: string | null;
  /** Of the records that people see. */
  computed: string;
  /** How many records there are. */
  apps: number;
  differences: SealDifference[];
}

/** @throws {DayNotFinalError} when nothing was launched, too */
export async function verifySeal({ pool, archive }: LaunchStores, date: string): Promise<SealReport> {
  const day = await readLaunchDayRow(pool, date);
  if (day === null || !day.isFinal) throw new DayNotFinalError(date);
  const record = await archive.findDay(date);
  const counted = new Map((await readSnapshot(pool, date)).apps.map((app) => [app.appId, app]));
  const seen: { appId: string; votes: number; rank: number }[] = [];
  const differences: SealDifference[] = [];
  for await (const page of archive.appPages(date)) {
    for (const { appId, likes, rank } of page) {
      seen.push({ appId, votes: likes, rank: rank as number });
      const app = counted.get(appId);
      counted.delete(appId);
      if (app === undefined || app.votes !== likes || app.rank !== rank) {
        differences.push({ appId: String(appId), expected: resultOf(app), found: resultOf({ votes: likes, rank }) });
      }
    }
  }
  for (const app of counted.values()) differences.push({ appId: app.appId, expected: resultOf(app), found: null });
  const [seal, archivedSeal, computed] = [day.seal, record?.seal ?? null, sealOf(date, seen)];
  const valid = differences.length === 0 && computed === seal && computed === archivedSeal;
  return { date, valid, seal, archivedSeal, computed, apps: seen.length, differences };
}

function resultOf(of: (Pick<FinalApp, "votes"> & { rank: unknown }) | undefined): SealedResult | null {
  return of === undefined ? null : { votes: numberOf(of.votes), rank: numberOf(of.rank) };
}

const numberOf = (value: unknown) => (typeof value === "number" && Number.isFinite(value) ? value : null);
