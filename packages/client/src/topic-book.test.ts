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
  const askedAt = book.ask();
  book.applyLeaderboard(board("2026-11-23", 5));
  book.applyLeaderboard(board("2026-11-23", 4), askedAt);
  expect(points()).toBe(5);
  book.applyLeaderboard(board("2026-11-23", 3), book.ask());
  expect(points()).toBe(3);
  book.applyLeaderboard(board("2026-11-24", 0));
  book.applyLeaderboard(board("2026-11-23", 9));
  expect(points()).toBe(0);
});

test("the answer to a later question stands, whichever comes first", () => {
  const book = new TopicBook();
  const [polled, subscribed] = [book.ask(), book.ask()];
  book.applyLaunch("2026-11-23", "final", subscribed);
  book.applyLaunch("2026-11-23", "closing", polled);
  expect(book.launch("2026-11-23").get()).toBe("final");
});

test("a launch day that was told to be final stays it when an older answer arrives", () => {
  const book = new TopicBook();
  const askedAt = book.ask();
  book.applyLaunch("2026-11-23", "final");
  book.applyLaunch("2026-11-23", "closing", askedAt);
  expect(book.launch("2026-11-23").get()).toBe("final");
});
