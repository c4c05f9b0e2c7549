import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { IANAZone } from "luxon";
import { boardName, boardSpan, boardsAt, LEADERBOARD_PERIODS, nextTurnMs, parseBoardName } from "./leaderboard.js";

const at = (iso: string, zone = "UTC") => boardsAt(Date.parse(iso), zone).map(boardName);

test("a moment counts on four boards", () => {
  expect(at("2026-11-23T12:00:00Z")).toEqual(["daily:2026-11-23", "weekly:2026-W48", "monthly:2026-11", "yearly:2026"]);
});

test("weeks are ISO weeks: they begin on Monday and belong to one year", () => {
  expect(at("2027-01-03T23:59:59Z")[1]).toBe("weekly:2026-W53");
  expect(at("2027-01-04T00:00:00Z")[1]).toBe("weekly:2027-W01");
});

test("midnight is that of the zone, also when clocks change", () => {
  expect(at("2026-01-01T04:59:59Z", "America/New_York")).toEqual([
    "daily:2025-12-31",
    "weekly:2026-W01",
    "monthly:2025-12",
    "yearly:2025",
  ]);
  expect(at("2026-01-01T05:00:00Z", "America/New_York")[3]).toBe("yearly:2026");
  const before = Date.parse("2026-10-24T22:30:00Z");
  // A day of 25 hours.
  expect(nextTurnMs("daily", before, "Europe/Berlin") - Date.parse("2026-10-24T22:00:00Z")).toBe(25 * 3_600_000);
});

test("in every zone a turn ends where the next one begins", () => {
  const zone = fc.constantFrom(...Intl.supportedValuesOf("timeZone"));
  const moment = fc.integer({ min: 0, max: 4_000_000_000_000 });
  fc.assert(
    fc.property(zone, moment, (name, nowMs) => {
      expect(IANAZone.isValidZone(name)).toBe(true);
      for (const board of boardsAt(nowMs, name)) {
        const { from, to } = boardSpan(board, name);
        expect([from.getTime() <= nowMs, nowMs < to.getTime()]).toEqual([true, true]);
      }
      LEADERBOARD_PERIODS.forEach((period, i) => {
        const next = nextTurnMs(period, nowMs, name);
        const key = (ms: number) => boardsAt(ms, name)[i]?.key;
        expect(next).toBeGreaterThan(nowMs);
        expect(key(next - 1)).toBe(key(nowMs));
        expect(key(next)).not.toBe(key(nowMs));
      });
    }),
  );
});

test("a board's name is read back; anything else is none", () => {
  for (const board of boardsAt(0, "UTC")) expect(parseBoardName(boardName(board))).toEqual(board);
  for (const name of ["", "daily", "hourly:2026-11-23", "daily:{x}", "daily:"]) expect(parseBoardName(name)).toBeNull();
});

test("a quarter of an hour lies on the same boards in every time zone", () => {
  const zone = fc.constantFrom(...Intl.supportedValuesOf("timeZone"));
  const quarter = fc.integer({ min: Date.UTC(2020, 0) / 900_000, max: Date.UTC(2080, 0) / 900_000 });
  fc.assert(
    fc.property(zone, quarter, (name, at) => {
      expect(boardsAt((at + 1) * 900_000 - 1, name)).toEqual(boardsAt(at * 900_000, name));
    }),
  );
});
