import type { Vote } from "../project-votes.js";
import { useVotes } from "./use-votes.js";

export interface VoteButtonsProps {
  projectId: string;
  /** What is voted on, for who cannot see it: "Vote up: Rocket". */
  label?: string;
  /** Without it there is no button for a vote against. */
  down?: boolean;
  className?: string;
}

/** Two buttons and the count between them, live. Unstyled: `.votesync-buttons`, `[aria-pressed]`, `[data-pending]`. */
export function VoteButtons({ projectId, label = projectId, down = true, className }: VoteButtonsProps) {
  const { project, click } = useVotes(projectId);
  const button = (vote: Vote, words: string, sign: string) => (
    <button
      type="button"
      aria-pressed={project?.ownVote === vote}
      aria-label={`${words}: ${label}`}
      disabled={project === null}
      onClick={() => click(vote)}
    >
      {sign}
    </button>
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a frame and a legend nobody wants around two buttons
    <div
      role="group"
      aria-label={`Votes: ${label}`}
      className={["votesync-buttons", className].filter(Boolean).join(" ")}
      data-pending={project?.pending === true ? "" : undefined}
    >
      {button("up", "Vote up", "▲")}
      <output aria-live="off">{project == null ? "–" : project.voteCount}</output>
      {down ? button("down", "Vote down", "▼") : null}
      <span role="status">{project?.error == null ? "" : project.error.message}</span>
    </div>
  );
}
