import { useState } from "react";
import type { Page } from "../boot.js";
import { Problem } from "../problem.js";
import { WatchingHint } from "../session/watching-hint.js";
import { useStore } from "../use-store.js";
import { dayInWords } from "./calendar.js";
import type { LaunchDay } from "./launch-api.js";
import { LaunchCard } from "./launch-card.js";
import type { LaunchDays } from "./launch-days.js";
import { LaunchForm } from "./launch-form.js";
import { OperatorPanel } from "./operator-panel.js";
import { Podium } from "./podium.js";
import { Results } from "./results.js";

/** A launch day, and who won the day before. */
export function LaunchView({ page: { session }, launch }: { page: Page; launch: LaunchDays }) {
  const { day, before, error } = useStore(launch.state);
  const { identity } = useStore(session.state);
  return (
    <>
      <WatchingHint session={session} />
      {error !== null && <Problem error={error} onRetry={() => void launch.load()} />}
      {day === null && error === null && (
        <p className="quiet" role="status">
          Loading the day…
        </p>
      )}
      {day !== null && <Day day={day} launch={launch} mayVote={identity !== null} />}
      {before !== null && (
        <section className="launch-section" aria-labelledby="before-title">
          <h2 id="before-title">The day before</h2>
          <Podium day={before} />
        </section>
      )}
      {day !== null && identity?.isAdmin === true && <OperatorPanel session={session} day={day} launch={launch} />}
    </>
  );
}

const STATUS: Record<LaunchDay["status"], string> = {
  open: "Voting is open",
  closing: "Over; the votes are being counted",
  final: "Final",
};

function Day({ day, launch, mayVote }: { day: LaunchDay; launch: LaunchDays; mayVote: boolean }) {
  const [adding, setAdding] = useState(false);
  const isOpen = day.status === "open";
  return (
    <section className="launch-section" aria-labelledby="day-title">
      <div className="toolbar">
        <div>
          <h2 id="day-title">{dayInWords(day.date)}</h2>
          <p className="quiet" data-testid="day-status" aria-live="polite">
            {STATUS[day.status]}
          </p>
        </div>
        {mayVote && isOpen && (
          <button type="button" className="button" aria-expanded={adding} onClick={() => setAdding(!adding)}>
            Launch an app
          </button>
        )}
      </div>
      {adding && mayVote && isOpen && (
        <div className="panel">
          <LaunchForm launch={launch} date={day.date} onDone={() => setAdding(false)} />
        </div>
      )}
      {isOpen ? <OpenBoard launch={launch} mayVote={mayVote} /> : <Results day={day} />}
    </section>
  );
}

function OpenBoard({ launch: { board }, mayVote }: { launch: LaunchDays; mayVote: boolean }) {
  const state = useStore(board.state);
  const listed = state.order.flatMap((id) => state.projects.get(id) ?? []);
  if (state.error !== null) return <Problem error={state.error} onRetry={() => void board.load("hot")} />;
  if (listed.length === 0) return state.loading === null ? <p className="quiet">Nothing was launched yet.</p> : null;
  return (
    <ol className="projects" aria-label="Apps" aria-busy={state.loading !== null}>
      {listed.map((entry) => (
        <LaunchCard key={entry.project.id} entry={entry} mayVote={mayVote} board={board} />
      ))}
    </ol>
  );
}
