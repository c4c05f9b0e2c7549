import type { LeaderboardState } from "@votesync/client";
import { shortName } from "../session/short-name.js";

const NUMBERS = new Intl.NumberFormat("en");

interface EntriesProps {
  entries: LeaderboardState["entries"];
  /** Whoever looks at it. */
  userId: string | null;
  label: string;
}

export function Entries({ entries, userId, label }: EntriesProps) {
  return (
    <ol className="results" aria-label={label}>
      {entries.map(({ rank, user_id, points }) => (
        <li key={user_id} data-user-id={user_id} aria-current={user_id === userId ? "true" : undefined}>
          <span className="results-rank">{rank}</span>
          <span className="results-name" title={user_id}>
            {shortName(user_id)}
          </span>
          <span className="results-votes">
            {NUMBERS.format(points)} <span className="quiet">{points === 1 ? "point" : "points"}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}
