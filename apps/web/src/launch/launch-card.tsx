import type { Vote } from "@votesync/client";
import { memo } from "react";
import { voteFailureText } from "../failure-text.js";
import { VoteButtons } from "../projects/vote-buttons.js";
import type { Standing } from "./standings.js";

interface LaunchCardProps {
  standing: Standing;
  mayVote: boolean;
  onClick: (appId: string, button: Vote) => void;
}

/** An app on an open day: up, or not. */
export const LaunchCard = memo(function LaunchCard({
  standing: { appId, name, votes, rank },
  mayVote,
  onClick,
}: LaunchCardProps) {
  return (
    <li className="card card-launch" data-project-id={appId} data-pending={votes?.pending === true}>
      <VoteButtons title={name} votes={votes} mayVote={mayVote} upOnly onClick={(button) => onClick(appId, button)} />
      <div className="card-heading">
        <h3>{name}</h3>
      </div>
      <p className="card-rank" data-testid="rank">
        <span className="visually-hidden">Rank </span>
        <span aria-hidden="true">#</span>
        {rank}
      </p>
      {votes?.error != null && (
        <p className="failure" role="alert">
          {voteFailureText(votes.error)}
        </p>
      )}
    </li>
  );
});
