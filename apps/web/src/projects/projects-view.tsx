import { useReadable } from "@votesync/client/react";
import { useEffect, useState } from "react";
import type { Page } from "../boot.js";
import { Problem } from "../problem.js";
import { WatchingHint } from "../session/watching-hint.js";
import { NewProjectForm } from "./new-project-form.js";
import { ProjectCard } from "./project-card.js";
import { ProjectList, type ProjectListState } from "./project-list.js";
import { SortSwitch } from "./sort-switch.js";

/** The list of projects with all that belongs to it. */
export function ProjectsView({ page: { client, session } }: { page: Page }) {
  const [list] = useState(() => new ProjectList(client));
  useEffect(() => void list.load("hot"), [list]);
  const state = useReadable(list.state);
  const mayVote = useReadable(session.state).identity !== null;
  const [adding, setAdding] = useState(false);
  const isEmpty = state.projects.length === 0;
  return (
    <>
      <WatchingHint session={session} />
      {!isEmpty && (
        <div className="toolbar">
          <SortSwitch sort={state.sort} onSort={(sort) => void list.load(sort)} />
          {mayVote && (
            <button type="button" className="button" aria-expanded={adding} onClick={() => setAdding(!adding)}>
              New project
            </button>
          )}
        </div>
      )}
      {!isEmpty && adding && mayVote && (
        <section className="panel" aria-label="New project">
          <NewProjectForm list={list} onAdded={() => setAdding(false)} onCancel={() => setAdding(false)} />
        </section>
      )}
      {state.error !== null && state.nextCursor === null && (
        <Problem error={state.error} onRetry={() => void list.load(state.sort)} />
      )}
      {isEmpty ? (
        <NothingListed state={state} list={list} mayVote={mayVote} />
      ) : (
        <Projects state={state} list={list} mayVote={mayVote} />
      )}
    </>
  );
}

interface ListProps {
  state: ProjectListState;
  list: ProjectList;
  mayVote: boolean;
}

function Projects({ state, list, mayVote }: ListProps) {
  return (
    <>
      <ol className="projects" aria-label="Projects" aria-busy={state.loading === "list"}>
        {state.projects.map((project) => (
          <ProjectCard key={project.id} project={project} mayVote={mayVote} isAdded={project.id === state.addedId} />
        ))}
      </ol>
      {state.nextCursor !== null && <More state={state} list={list} />}
    </>
  );
}

function More({ state, list }: Omit<ListProps, "mayVote">) {
  const busy = state.loading === "more";
  if (state.error !== null) return <Problem error={state.error} onRetry={() => void list.loadMore()} />;
  return (
    <button type="button" className="button more" aria-busy={busy} onClick={() => void list.loadMore()}>
      {busy ? "Loading…" : "Show more"}
    </button>
  );
}

function NothingListed({ state, list, mayVote }: ListProps) {
  if (state.loading !== null) return <LoadingCards />;
  if (state.error !== null) return null;
  return (
    <section className="panel" aria-labelledby="empty-title">
      <h2 id="empty-title">Nothing to vote on yet</h2>
      {mayVote ? (
        <>
          <p className="quiet">Add the first project; everybody who opens this page can vote on it.</p>
          <NewProjectForm list={list} />
        </>
      ) : (
        <p className="quiet">Projects show up here once somebody with a token adds one.</p>
      )}
    </section>
  );
}

function LoadingCards() {
  return (
    <>
      <p className="visually-hidden" role="status">
        Loading projects…
      </p>
      <div className="projects" aria-hidden="true">
        <div className="card card-loading" />
        <div className="card card-loading" />
        <div className="card card-loading" />
      </div>
    </>
  );
}
