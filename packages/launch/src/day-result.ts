/**
 * The result of a launch day: order, ranks and seal. Pure.
 *
 * More votes come first. Equal votes share a rank (1, 2, 2, 4); among them, who had that many votes first comes first, and at
 * last the id decides, so that the order is the same for everybody.
 */
import { createHash } from "node:crypto";

export interface AppVotes {
  appId: string;
  votes: number;
  /** Since when the app had that many; `null` when unknown. */
  reachedAt: Date | null;
}

export interface RankedApp extends AppVotes {
  /** From 1. */
  rank: number;
}

export const PODIUM_SIZE = 3;

export function rankApps<T extends AppVotes>(apps: readonly T[]): (T & { rank: number })[] {
  const sorted = [...apps].sort(compare);
  let rank = 0;
  return sorted.map((app, i) => {
    if (i === 0 || sorted[i - 1]?.votes !== app.votes) rank = i + 1;
    return { ...app, rank };
  });
}

function compare(a: AppVotes, b: AppVotes): number {
  if (a.votes !== b.votes) return b.votes - a.votes;
  const reached = (app: AppVotes) => app.reachedAt?.getTime() ?? Number.POSITIVE_INFINITY;
  if (reached(a) !== reached(b)) return reached(a) - reached(b);
  return a.appId < b.appId ? -1 : 1;
}

/** The ids of the first three. */
export const podium = (ranked: readonly RankedApp[]): string[] => ranked.slice(0, PODIUM_SIZE).map((app) => app.appId);

/**
 * Digest of a day's results: SHA-256, hexadecimal, over one line per app, sorted by id: `<app id> <votes> <rank>`, after a
 * first line with the date. Anybody who has the results can compute it again.
 */
export function sealOf(date: string, results: Iterable<Pick<RankedApp, "appId" | "votes" | "rank">>): string {
  const lines = [...results].map(({ appId, votes, rank }) => `${appId} ${votes} ${rank}\n`).sort();
  const hash = createHash("sha256").update(`${date}\n`);
  for (const line of lines) hash.update(line);
  return hash.digest("hex");
}

/** Digest of one app's result, to tell a backup that was tampered with. */
export function checksumOf(date: string, { appId, votes, rank, reachedAt }: RankedApp): string {
  const text = [date, appId, votes, rank, reachedAt?.toISOString() ?? ""].join("\n");
  return createHash("sha256").update(text).digest("hex");
}
