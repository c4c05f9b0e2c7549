import type { ShownProject, Vote } from "@votesync/client";
import { Count } from "./count.js";

export interface VoteButtonsProps {
  title: string;
  /** As `useVotes` has them. */
  votes: ShownProject | null | undefined;
  mayVote: boolean;
  /** A launch: nobody votes against it. */
  upOnly?: boolean;
  onClick(button: Vote): void;
}

const CHEVRONS: Record<Vote, string> = { up: "m5 15 7-7 7 7", down: "m5 9 7 7 7-7" };

export function VoteButtons({ title, votes, mayVote, upOnly = false, onClick }: VoteButtonsProps) {
  const button = (vote: Vote) => (
    <button
      type="button"
      className="vote"
      data-vote={vote}
      data-testid={`vote-${vote}`}
      aria-label={`Vote ${vote}: ${title}`}
      aria-pressed={votes?.ownVote === vote}
      disabled={!mayVote || votes === null}
      onClick={() => onClick(vote)}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={CHEVRONS[vote]} />
      </svg>
    </button>
  );
  return (
    <div className="votes" data-own={votes?.ownVote ?? "none"}>
      {button("up")}
      <p className="votes-total">
        {votes == null ? "–" : <Count value={votes.voteCount} testId="vote-count" />}
        <span className="visually-hidden"> votes</span>
      </p>
      {!upOnly && button("down")}
    </div>
  );
}
