import { useRealTimeUpdates } from "@votesync/client/react";
import type { LaunchDay } from "./launch-api.js";

/** Who takes part in a day that has not begun. */
export function LineUp({ day }: { day: LaunchDay }) {
  const [first] = day.apps;
  // With the day its apps' votes begin anew: that is how its beginning is heard of.
  useRealTimeUpdates(first === undefined ? {} : { projects: [first.appId] });
  if (day.apps.length === 0) return <p className="quiet">Nothing is to be launched yet.</p>;
  return (
    <ul className="results line-up" aria-label="To be launched">
      {day.apps.map(({ appId, name }) => (
        <li key={appId} data-app-id={appId}>
          <span className="results-name">{name}</span>
        </li>
      ))}
    </ul>
  );
}
