import type { LeaderboardPeriod, LeaderboardState } from "@votesync/client";
import { useVoteClient } from "@votesync/client/react";
import { useEffect, useState } from "react";

type Places = Record<LeaderboardPeriod, { rank: number; points: number } | null>;

/** One's own place, asked for again when the board has changed. */
export function OwnPlace({ board }: { board: LeaderboardState }) {
  const client = useVoteClient();
  const [places, setPlaces] = useState<Places | null>(null);
  // `board` is a reason, not an ingredient.
  useEffect(() => {
    let isNewest = true;
    client.request<Places>("/api/leaderboard/me").then(
      (read) => isNewest && setPlaces(read),
      // The next change asks again.
      () => undefined,
    );
    return () => {
      isNewest = false;
    };
  }, [client, board]);
  const place = places?.[board.period];
  return (
    <p className="own-place" data-testid="own-place">
      {places !== null && (place == null ? "You have no points here yet." : `You are number ${place.rank}.`)}
    </p>
  );
}
