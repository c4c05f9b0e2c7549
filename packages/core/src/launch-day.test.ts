import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { launchDateAt, launchDay, timeZoneSchema } from "./launch-day.js";

const HOUR_US = 3_600_000_000;
const us = (iso: string) => Date.parse(iso) * 1_000;

test.each([
  ["UTC", "2024-01-15", "2024-01-15T00:00Z", "2024-01-16T00:00Z"],
  ["America/New_York", "2024-01-15", "2024-01-15T05:00Z", "2024-01-16T05:00Z"],
  ["Europe/Berlin, a day of 23 hours", "2024-03-31", "2024-03-30T23:00Z", "2024-03-31T22:00Z"],
  ["Europe/Berlin, a day of 25 hours", "2024-10-27", "2024-10-26T22:00Z", "2024-10-27T23:00Z"],
  ["America/Santiago, a day that begins at 01:00", "2024-09-08", "2024-09-08T04:00Z", "2024-09-09T03:00Z"],
  [
    "Atlantic/Azores, the day before its clocks go back to midnight",
    "2045-10-28",
    "2045-10-28T00:00Z",
    "2045-10-29T00:00Z",
  ],
  ["Atlantic/Azores, a day that has midnight twice", "2045-10-29", "2045-10-29T00:00Z", "2045-10-30T01:00Z"],
  ["Asia/Kathmandu, a quarter of an hour off", "2024-02-29", "2024-02-28T18:15Z", "2024-02-29T18:15Z"],
])("a day in %s is between its instants", (where, date, opens, closes) => {
  const [zone = ""] = where.split(",");
  expect(launchDay(date, zone)).toEqual({ opensAtUs: us(opens), closesAtUs: us(closes) });
});

test.each([
  ["a date that is none", "2024-02-30", "UTC"],
  ["words", "tomorrow", "UTC"],
  ["a day an island skipped", "2011-12-30", "Pacific/Apia"],
])("%s has no instants", (_what, date, zone) => {
  expect(launchDay(date, zone)).toBeNull();
});

test("days follow each other without a gap, in every zone, and every moment is in the day it says", () => {
  const zones = Intl.supportedValuesOf("timeZone");
  const anyZone = fc.constantFrom(...zones);
  const anyMomentMs = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2060, 0, 1) });
  fc.assert(
    fc.property(anyZone, anyMomentMs, (zone, momentMs) => {
      const date = launchDateAt(momentMs, zone);
      const day = launchDay(date, zone);
      if (day === null) throw new Error(`${zone} has no ${date}`);
      expect(day.opensAtUs).toBeLessThanOrEqual(momentMs * 1_000);
      expect(day.closesAtUs).toBeGreaterThan(momentMs * 1_000);
      const next = launchDay(launchDateAt(day.closesAtUs / 1_000, zone), zone);
      expect(next?.opensAtUs).toBe(day.closesAtUs);
      expect(day.closesAtUs - day.opensAtUs).toBeGreaterThanOrEqual(22 * HOUR_US);
    }),
    { numRuns: 2_000 },
  );
});

test("time zones are IANA's", () => {
  for (const zone of ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia"]) {
    expect(timeZoneSchema.safeParse(zone).success).toBe(true);
  }
  for (const zone of ["", "Mars/Olympus", "CEST2", "../etc"])
    expect(timeZoneSchema.safeParse(zone).success).toBe(false);
});
