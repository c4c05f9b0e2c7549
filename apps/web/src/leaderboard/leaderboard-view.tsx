import type { LeaderboardPeriod } from "@votesync/client";
import { useLeaderboard, useReadable } from "@votesync/client/react";
import { useState } from "react";
import type { Page } from "../boot.js";
import { Entries } from "./entries.js";
import { OwnPlace } from "./own-place.js";
import { TheRest } from "./the-rest.js";

const PERIODS: readonly [LeaderboardPeriod, string][] = [
  ["daily", "Today"],
  ["weekly", "This week"],
  ["monthly", "This month"],
  ["yearly", "This year"],
];

/** The first ten as they change, one's own place, and everybody else on demand. */
export function LeaderboardView({ page: { session } }: { page: Page }) {
  const [period, setPeriod] = useState<LeaderboardPeriod>("daily");
  return (
    <>
      <fieldset className="sorts periods">
        <legend className="visually-hidden">Period</legend>
        {PERIODS.map(([name, words]) => (
          <button key={name} type="button" aria-pressed={name === period} onClick={() => setPeriod(name)}>
            {words}
          </button>
        ))}
      </fieldset>
      <Board key={period} period={period} userId={useReadable(session.state).identity?.userId ?? null} />
    </>
  );
}

function Board({ period, userId }: { period: LeaderboardPeriod; userId: string | null }) {
  const board = useLeaderboard(period);
  if (board === undefined) return <p className="quiet">Loading…</p>;
  const { key, entries } = board;
  return (
    <section className="leaderboard" aria-label={`Leaderboard ${key}`} data-testid="leaderboard" data-key={key}>
      {userId !== null && <OwnPlace board={board} />}
      {entries.length === 0 ? (
        <p className="quiet">
          Nobody has points yet. Whoever adds a project gets one for every vote it receives: <a href="/">add yours</a>.
        </p>
      ) : (
        <>
          <Entries entries={entries} userId={userId} label="The first ten" />
          <TheRest board={board} userId={userId} />
        </>
      )}
    </section>
  );
}
