/**
 * Launch days: a date in one time zone, and the two instants between which its votes count. Pure calendar, by luxon: days
 * are 23 or 25 hours long when clocks change, some begin at 01:00, and once in a while an island skips one.
 */
import { DateTime, IANAZone } from "luxon";
import { z } from "zod";
import { startOf } from "./calendar.js";

/** An IANA name, as in `Europe/Berlin`; `UTC` too. */
export const timeZoneSchema = z.string().refine((zone) => IANAZone.isValidZone(zone), "must be an IANA time zone");

export const launchDateSchema = z.iso.date();

/** µs since 1970: votes at `opensAtUs` count, votes at `closesAtUs` no longer do. */
export interface LaunchInstants {
  opensAtUs: number;
  closesAtUs: number;
}

/**
 * @param date `YYYY-MM-DD`
 * @returns `null` when there is no such day in the zone
 */
export function launchDay(date: string, zone: string): LaunchInstants | null {
  const opens = startOf("day", DateTime.fromISO(date, { zone }));
  if (!opens.isValid || opens.toISODate() !== date) return null;
  const closes = startOf("day", opens.plus({ days: 1 }));
  return { opensAtUs: opens.toMillis() * 1_000, closesAtUs: closes.toMillis() * 1_000 };
}

/** The date it is in the zone. */
export function launchDateAt(nowMs: number, zone: string): string {
  return DateTime.fromMillis(nowMs, { zone }).toISODate() as string;
}
