import { memo, useEffect, useRef } from "react";
import { shownVotes } from "../votes/project-votes.js";
import { age } from "./age.js";
import { Ballot } from "./ballot.js";
import type { Board, BoardProject } from "./board.js";
import type { Project } from "./projects-api.js";
import { VoteButtons } from "./vote-buttons.js";
import { webLink } from "./web-link.js";

interface ProjectCardProps {
  entry: BoardProject;
  mayVote: boolean;
  /** This page has just added it: it takes the focus. */
  isAdded: boolean;
  board: Board;
}

export const ProjectCard = memo(function ProjectCard({ entry, mayVote, isAdded, board }: ProjectCardProps) {
  const { project, failure } = entry;
  const votes = shownVotes(entry.votes);
  return (
    <li className="card" data-project-id={project.id} data-version={votes.version} data-pending={votes.pending}>
      <VoteButtons
        title={project.title}
        votes={votes}
        mayVote={mayVote}
        onClick={(button) => void board.click(project.id, button)}
      />
      <Heading project={project} isAdded={isAdded} />
      <Ballot votes={votes} />
      {failure !== null && (
        <p className="failure" role="alert">
          {failure}
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
