import { useVotes } from "@votesync/client/react";

/** A button of one's own, where <VoteButtons> is not what one wants. */
export function Song({ id }: { id: string }) {
  const { project, click } = useVotes(id);
  if (project == null) return null;
  return (
    <p>
      <button type="button" aria-pressed={project.ownVote === "up"} onClick={() => click("up")}>
        Like {id}
      </button>{" "}
      {project.upvotes} likes {project.error?.title}
    </p>
  );
}
