import { useState } from "react";
import { dayInWords } from "./calendar.js";
import type { LaunchDay, NewLaunchApp } from "./launch-api.js";
import type { LaunchDays } from "./launch-days.js";
import { LaunchForm } from "./launch-form.js";
import { LineUp } from "./line-up.js";
import { OpenBoard } from "./open-board.js";
import { Results } from "./results.js";

const STATUS: Record<LaunchDay["status"], string> = {
  open: "Voting is open",
  closing: "Over; the votes are being counted",
  final: "Final",
};

interface DaySectionProps {
  day: LaunchDay;
  begun: boolean;
  launch: LaunchDays;
  mayVote: boolean;
}

/** A launch day: who is to come, the board to vote on, or the results. */
export function DaySection({ day, begun, launch, mayVote }: DaySectionProps) {
  const [adding, setAdding] = useState(false);
  const [launched, setLaunched] = useState<NewLaunchApp | null>(null);
  const mayLaunch = mayVote && day.status === "open";
  const onLaunched = (app: NewLaunchApp) => {
    setLaunched(app);
    setAdding(false);
  };
  return (
    <section className="launch-section" aria-labelledby="day-title">
      <div className="toolbar">
        <div>
          <h2 id="day-title">{dayInWords(day.date)}</h2>
          <p className="quiet" data-testid="day-status" aria-live="polite">
            {begun ? STATUS[day.status] : "Voting begins with the day"}
          </p>
        </div>
        {mayLaunch && (
          <button type="button" className="button" aria-expanded={adding} onClick={() => setAdding(!adding)}>
            Launch an app
          </button>
        )}
      </div>
      {adding && mayLaunch && (
        <div className="panel">
          <LaunchForm launch={launch} date={day.date} onLaunched={onLaunched} onCancel={() => setAdding(false)} />
        </div>
      )}
      <Launched app={launched} />
      {day.status !== "open" && <Results day={day} />}
      {day.status === "open" && !begun && <LineUp day={day} />}
      {day.status === "open" && begun && <OpenBoard apps={day.apps} mayVote={mayVote} />}
    </section>
  );
}

/** There from the start, so that screen readers hear of what comes into it. */
function Launched({ app }: { app: NewLaunchApp | null }) {
  return (
    <p className="launched" role="status">
      {app !== null && (
        <>
          <strong>{app.name}</strong> launches on <a href={`/launch/${app.launchDate}`}>{dayInWords(app.launchDate)}</a>
          .
        </>
      )}
    </p>
  );
}
