import { memo } from "react";
import type { Board, BoardProject } from "../projects/board.js";
import { VoteButtons } from "../projects/vote-buttons.js";
import { shownVotes } from "../votes/project-votes.js";

interface LaunchCardProps {
  entry: BoardProject;
  rank: number;
  mayVote: boolean;
  board: Board;
}

/** An app on an open day: up, or not. */
export const LaunchCard = memo(function LaunchCard({
  entry: { project, votes, failure },
  rank,
  mayVote,
  board,
}: LaunchCardProps) {
  const shown = shownVotes(votes);
  return (
    <li className="card card-launch" data-project-id={project.id} data-pending={shown.pending}>
      <VoteButtons
        title={project.title}
        votes={shown}
        mayVote={mayVote}
        buttons={["up"]}
        onClick={(button) => void board.click(project.id, button)}
      />
      <div className="card-heading">
        <h3>{project.title}</h3>
      </div>
      <p className="card-rank" data-testid="rank">
        <span className="visually-hidden">Rank </span>
        <span aria-hidden="true">#</span>
        {rank}
      </p>
      {failure !== null && (
        <p className="failure" role="alert">
          {failure}
        </p>
      )}
    </li>
  );
});
