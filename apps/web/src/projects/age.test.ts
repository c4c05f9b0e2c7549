import { expect, test } from "@jest/globals";
import { age } from "./age.js";

const now = Date.parse("2026-11-23T12:00:00Z");

test("an age is told in its largest whole unit", () => {
  expect(age("2026-11-23T11:59:30Z", now)).toBe("just now");
  expect(age("2026-11-23T11:58:00Z", now)).toBe("2 minutes ago");
  expect(age("2026-11-23T09:01:00Z", now)).toBe("2 hours ago");
  expect(age("2026-11-22T11:00:00Z", now)).toBe("yesterday");
  expect(age("2024-11-01T00:00:00Z", now)).toBe("2 years ago");
});

test("the server's clock may be ahead of ours", () => {
  expect(age("2026-11-23T12:00:05Z", now)).toBe("just now");
});
