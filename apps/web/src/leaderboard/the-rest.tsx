import type { LeaderboardState } from "@votesync/client";
import { useVoteClient } from "@votesync/client/react";
import { useState } from "react";
import { useAction } from "../page/use-action.js";
import { Problem } from "../problem.js";
import { Entries } from "./entries.js";

const PAGE_SIZE = 50;

type Entry = LeaderboardState["entries"][number];

/** Who comes after the first, page by page: as it stood when it was asked for. */
export function TheRest({ board: { period, entries }, userId }: { board: LeaderboardState; userId: string | null }) {
  const client = useVoteClient();
  const [rest, setRest] = useState<readonly Entry[]>([]);
  const [isComplete, setComplete] = useState(false);
  const { run, busy, error } = useAction(async () => {
    const query = `period=${period}&limit=${PAGE_SIZE}&offset=${entries.length + rest.length}`;
    const page = await client.request<{ entries: Entry[] }>(`/api/leaderboard?${query}`);
    setRest([...rest, ...page.entries]);
    setComplete(page.entries.length < PAGE_SIZE);
  });
  const shownAbove = new Set(entries.map(({ user_id }) => user_id));
  const others = [...new Map(rest.map((entry) => [entry.user_id, entry])).values()].filter(
    ({ user_id }) => !shownAbove.has(user_id),
  );
  return (
    <>
      {others.length > 0 && <Entries entries={others} userId={userId} label="Everybody else" />}
      {error !== null && <Problem error={error} />}
      {isComplete ? (
        <p className="quiet">That is everybody.</p>
      ) : (
        <button type="button" className="button more" aria-busy={busy} onClick={() => void run()}>
          {busy ? "Loading…" : "Show more"}
        </button>
      )}
    </>
  );
}
