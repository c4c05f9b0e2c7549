import { useState } from "react";
import type { Page } from "../boot.js";
import { Problem } from "../problem.js";
import { WatchingHint } from "../session/watching-hint.js";
import { useStore } from "../use-store.js";
import type { Board, BoardState } from "./board.js";
import { NewProjectForm } from "./new-project-form.js";
import { ProjectCard } from "./project-card.js";
import { SortSwitch } from "./sort-switch.js";

/** The list of projects with all that belongs to it. */
export function BoardView({ page: { board, session } }: { page: Page }) {
  const state = useStore(board.state);
  const mayVote = useStore(session.state).identity !== null;
  const [adding, setAdding] = useState(false);
  const isEmpty = state.order.length === 0;
  return (
    <>
      <WatchingHint session={session} />
      {!isEmpty && (
        <div className="toolbar">
          <SortSwitch sort={state.sort} onSort={(sort) => void board.load(sort)} />
          {mayVote && (
            <button type="button" className="button" aria-expanded={adding} onClick={() => setAdding(!adding)}>
              New project
            </button>
          )}
        </div>
      )}
      {!isEmpty && adding && mayVote && (
        <section className="panel" aria-label="New project">
          <NewProjectForm board={board} onAdded={() => setAdding(false)} onCancel={() => setAdding(false)} />
        </section>
      )}
      {state.error !== null && state.nextCursor === null && (
        <Problem error={state.error} onRetry={() => void board.load(state.sort)} />
      )}
      {isEmpty ? (
        <NothingListed state={state} board={board} mayVote={mayVote} />
      ) : (
        <Projects state={state} board={board} mayVote={mayVote} />
      )}
    </>
  );
}

interface ListProps {
  state: BoardState;
  board: Board;
  mayVote: boolean;
}

function Projects({ state, board, mayVote }: ListProps) {
  const listed = state.order.flatMap((id) => state.projects.get(id) ?? []);
  return (
    <>
      <ol className="projects" aria-label="Projects" aria-busy={state.loading === "list"}>
        {listed.map((entry) => (
          <ProjectCard
            key={entry.project.id}
            entry={entry}
            mayVote={mayVote}
            isAdded={entry.project.id === state.addedId}
            board={board}
          />
        ))}
      </ol>
      {state.nextCursor !== null && <More state={state} board={board} />}
    </>
  );
}

function More({ state, board }: Omit<ListProps, "mayVote">) {
  const busy = state.loading === "more";
  if (state.error !== null) return <Problem error={state.error} onRetry={() => void board.loadMore()} />;
  return (
    <button type="button" className="button more" aria-busy={busy} onClick={() => void board.loadMore()}>
      {busy ? "Loading…" : "Show more"}
    </button>
  );
}

function NothingListed({ state, board, mayVote }: ListProps) {
  if (state.loading !== null) return <LoadingCards />;
  if (state.error !== null) return null;
  return (
    <section className="panel" aria-labelledby="empty-title">
      <h2 id="empty-title">Nothing to vote on yet</h2>
      {mayVote ? (
        <>
          <p className="quiet">Add the first project; everybody who opens this page can vote on it.</p>
          <NewProjectForm board={board} />
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
