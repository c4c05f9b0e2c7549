import { useVotes } from "@votesync/client/react";
import { memo, useEffect, useRef } from "react";
import { voteFailureText } from "../failure-text.js";
import { age } from "./age.js";
import { Ballot } from "./ballot.js";
import type { Project } from "./project-list.js";
import { VoteButtons } from "./vote-buttons.js";
import { webLink } from "./web-link.js";

interface ProjectCardProps {
  project: Project;
  mayVote: boolean;
  /** This page has just added it: it takes the focus. */
  isAdded: boolean;
}

export const ProjectCard = memo(function ProjectCard({ project, mayVote, isAdded }: ProjectCardProps) {
  const { project: votes, click } = useVotes(project.id);
  return (
    <li
      className="card"
      data-project-id={project.id}
      data-version={votes?.version}
      data-pending={votes?.pending === true}
    >
      <VoteButtons title={project.title} votes={votes} mayVote={mayVote} upOnly={project.up_only} onClick={click} />
      <Heading project={project} isAdded={isAdded} />
      <Ballot upvotes={votes?.upvotes ?? 0} downvotes={votes?.downvotes ?? 0} />
      {votes?.error != null && (
        <p className="failure" role="alert">
          {voteFailureText(votes.error)}
        </p>
      )}
    </li>
  );
});

function Heading({ project, isAdded }: { project: Project; isAdded: boolean }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (isAdded) title.current?.focus();
  }, [isAdded]);
  const link = webLink(project.url);
  return (
    <div className="card-heading">
      <h2 ref={title} tabIndex={-1}>
        {link === null ? (
          project.title
        ) : (
          <a href={link.href} rel="noopener noreferrer nofollow">
            {project.title}
          </a>
        )}
      </h2>
      <p className="card-meta">
        {link !== null && <span className="card-host">{link.host.replace(/^www\./, "")}</span>}
        <time dateTime={project.created_at}>{age(project.created_at, Date.now())}</time>
      </p>
    </div>
  );
}
