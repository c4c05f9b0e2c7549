import { useReadable, useRealTimeUpdates, useVoteClient } from "@votesync/client/react";
import { useEffect, useState } from "react";
import type { Page } from "../boot.js";
import { Problem } from "../problem.js";
import { WatchingHint } from "../session/watching-hint.js";
import { DaySection } from "./day-section.js";
import type { LaunchDay } from "./launch-api.js";
import { LaunchDays } from "./launch-days.js";
import { OperatorPanel } from "./operator-panel.js";
import { Podium } from "./podium.js";

/** A launch day, and who won the day before. */
export function LaunchView({ page: { client, session }, date }: { page: Page; date: string | null }) {
  const [launch] = useState(() => new LaunchDays(client, date));
  useEffect(() => launch.keepFresh(), [launch]);
  const { day, begun, error, before, beforeError } = useReadable(launch.state);
  const { identity } = useReadable(session.state);
  return (
    <>
      <WatchingHint session={session} />
      {error !== null && <Problem error={error} onRetry={() => void launch.load()} />}
      {day === null && error === null && (
        <p className="quiet" role="status">
          Loading the day…
        </p>
      )}
      {[day, before].map(
        (shown) => shown !== null && <DayWatch key={shown.date} day={shown} onHeard={(...a) => launch.heard(...a)} />,
      )}
      {day !== null && <DaySection day={day} begun={begun} launch={launch} mayVote={identity !== null} />}
      {(before !== null || beforeError !== null) && (
        <section className="launch-section" aria-labelledby="before-title">
          <h2 id="before-title">The day before</h2>
          {beforeError !== null && <Problem error={beforeError} onRetry={() => void launch.load()} />}
          {before !== null && <Podium day={before} />}
        </section>
      )}
      {day !== null && identity?.isAdmin === true && <OperatorPanel day={day} launch={launch} />}
    </>
  );
}

/** Hears how a day stands, until it is final. */
function DayWatch({ day, onHeard }: { day: LaunchDay; onHeard: LaunchDays["heard"] }) {
  const { date } = day;
  useRealTimeUpdates(day.status === "final" ? {} : { launches: [date] });
  const status = useReadable(useVoteClient().launch(date));
  useEffect(() => {
    if (status !== undefined) onHeard(date, status);
  }, [date, status]);
  return null;
}
