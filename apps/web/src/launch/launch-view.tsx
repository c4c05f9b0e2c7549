import type { Page } from "../boot.js";
import { Problem } from "../problem.js";
import { WatchingHint } from "../session/watching-hint.js";
import { useStore } from "../use-store.js";
import { DaySection } from "./day-section.js";
import type { LaunchDays } from "./launch-days.js";
import { OperatorPanel } from "./operator-panel.js";
import { Podium } from "./podium.js";

/** A launch day, and who won the day before. */
export function LaunchView({ page: { session }, launch }: { page: Page; launch: LaunchDays }) {
  const { day, begun, error, before, beforeError } = useStore(launch.state);
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
      {day !== null && <DaySection day={day} begun={begun} launch={launch} mayVote={identity !== null} />}
      {(before !== null || beforeError !== null) && (
        <section className="launch-section" aria-labelledby="before-title">
          <h2 id="before-title">The day before</h2>
          {beforeError !== null && <Problem error={beforeError} onRetry={() => void launch.load()} />}
          {before !== null && <Podium day={before} />}
        </section>
      )}
      {day !== null && identity?.isAdmin === true && <OperatorPanel session={session} day={day} launch={launch} />}
    </>
  );
}
