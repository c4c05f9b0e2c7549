import { expect, test } from "@jest/globals";
import { dayBefore, dayInWords, launchDateOf } from "./calendar.js";

test("an address asks for a day, for today, or for another page", () => {
  expect(launchDateOf("/launch/2024-01-15")).toBe("2024-01-15");
  expect(launchDateOf("/launch")).toBeNull();
  expect(launchDateOf("/launch/")).toBeNull();
  for (const path of ["/", "/launches", "/launch/today", "/launch/2024-13-45"])
    expect(launchDateOf(path)).toBeUndefined();
});

test("the day before, over months and leap days; a day in words", () => {
  expect(dayBefore("2024-03-01")).toBe("2024-02-29");
  expect(dayBefore("2024-01-01")).toBe("2023-12-31");
  expect(dayInWords("2024-01-15")).toBe("Monday, January 15, 2024");
});
