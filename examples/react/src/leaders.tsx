import type { LeaderboardPeriod } from "@votesync/client";
import { useLeaderboard } from "@votesync/client/react";

export function Leaders({ period }: { period: LeaderboardPeriod }) {
  const entries = useLeaderboard(period)?.entries ?? [];
  return (
    <section aria-label="Leaders">
      <h2>Leaders</h2>
      <ol>
        {entries.map(({ user_id, points }) => (
          <li key={user_id}>
            {user_id}: {points}
          </li>
        ))}
      </ol>
    </section>
  );
}
