import { useState } from "react";
import { Problem } from "../problem.js";
import type { BoardState } from "../projects/board.js";
import { useStore } from "../use-store.js";
import { LaunchCard } from "./launch-card.js";
import type { LaunchDays } from "./launch-days.js";
import { inOrderOf, type Standing, standings } from "./standings.js";

interface OpenBoardProps {
  launch: LaunchDays;
  mayVote: boolean;
  /** All there are; the board lists the first. */
  apps: number;
}

/**
 * A day's apps in the order of their votes, as they come. Under a pointer nothing changes its place, only its rank: else
 * a click meant for one app would meet another.
 */
export function OpenBoard({ launch: { board }, mayVote, apps }: OpenBoardProps) {
  const state = useStore(board.state);
  const [held, setHeld] = useState<readonly string[] | null>(null);
  const ranked = standings(listedIn(state));
  if (state.error !== null) return <Problem error={state.error} onRetry={() => void board.load("hot")} />;
  if (ranked.length === 0) return state.loading === null ? <p className="quiet">Nothing was launched yet.</p> : null;
  return (
    <>
      <p className="visually-hidden" role="status">
        {leaderIn(ranked)}
      </p>
      <ol
        className="projects"
        aria-label="Apps"
        aria-busy={state.loading !== null}
        onPointerEnter={() => setHeld(ranked.map(({ entry }) => entry.project.id))}
        onPointerLeave={() => setHeld(null)}
      >
        {(held === null ? ranked : inOrderOf(held, ranked)).map(({ entry, rank }) => (
          <LaunchCard key={entry.project.id} entry={entry} rank={rank} mayVote={mayVote} board={board} />
        ))}
      </ol>
      {apps > ranked.length && (
        <p className="quiet launch-more">
          {ranked.length} of {apps} are shown.
        </p>
      )}
    </>
  );
}

const listedIn = ({ order, projects }: BoardState) => order.flatMap((id) => projects.get(id) ?? []);

/** In words, for those who do not see the order change. */
function leaderIn([first, second]: readonly Standing[]): string {
  if (first === undefined || first.entry.votes.counts.upvotes === 0 || second?.rank === 1) return "";
  return `${first.entry.project.title} leads`;
}
