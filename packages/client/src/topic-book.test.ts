import { expect, test } from "@jest/globals";
import { TopicBook } from "./topic-book.js";
import type { LeaderboardState } from "./wire.js";

const board = (key: string, points: number): LeaderboardState => ({
  period: "daily",
  key,
  entries: [{ rank: 1, user_id: "ann", points }],
});

test("an answer that was asked for before a message came does not go over it; one asked for later does", () => {
  const book = new TopicBook();
  const points = () => book.leaderboard("daily").get()?.entries[0]?.points;
  const askedAt = book.moment;
  book.applyLeaderboard(board("2026-11-23", 5));
  book.applyLeaderboard(board("2026-11-23", 4), askedAt);
  expect(points()).toBe(5);
  book.applyLeaderboard(board("2026-11-23", 3), book.moment);
  expect(points()).toBe(3);
  book.applyLeaderboard(board("2026-11-24", 0));
  book.applyLeaderboard(board("2026-11-23", 9));
  expect(points()).toBe(0);
});

test("a launch day that was told to be final stays it when an older answer arrives", () => {
  const book = new TopicBook();
  const askedAt = book.moment;
  book.applyLaunch("2026-11-23", "final");
  book.applyLaunch("2026-11-23", "closing", askedAt);
  expect(book.launch("2026-11-23").get()).toBe("final");
});
