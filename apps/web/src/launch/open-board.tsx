import type { Vote } from "@votesync/client";
import { useProjects, useVoteClient } from "@votesync/client/react";
import { useCallback, useState } from "react";
import type { LaunchApp } from "./launch-api.js";
import { LaunchCard } from "./launch-card.js";
import { inOrderOf, type Standing, standings, votesOf } from "./standings.js";

/** More than anybody reads. */
const APPS_SHOWN = 100;

interface OpenBoardProps {
  apps: readonly LaunchApp[];
  mayVote: boolean;
}

/**
 * A day's apps in the order of their votes, as they come. Under a pointer nothing changes its place, only its rank: else
 * a click meant for one app would meet another.
 */
export function OpenBoard({ apps, mayVote }: OpenBoardProps) {
  const client = useVoteClient();
  const listed = apps.slice(0, APPS_SHOWN);
  const votes = useProjects(listed.map(({ appId }) => appId));
  const [held, setHeld] = useState<readonly string[] | null>(null);
  const click = useCallback((appId: string, button: Vote) => client.click(appId, button), [client]);
  const ranked = standings(listed.map(({ appId, name }, i) => ({ appId, name, votes: votes[i] })));
  if (ranked.length === 0) return <p className="quiet">Nothing was launched yet.</p>;
  return (
    <>
      <p className="visually-hidden" role="status">
        {leaderIn(ranked)}
      </p>
      <ol
        className="projects"
        aria-label="Apps"
        onPointerEnter={() => setHeld(ranked.map(({ appId }) => appId))}
        onPointerLeave={() => setHeld(null)}
      >
        {(held === null ? ranked : inOrderOf(held, ranked)).map((standing) => (
          <LaunchCard key={standing.appId} standing={standing} mayVote={mayVote} onClick={click} />
        ))}
      </ol>
      {apps.length > ranked.length && (
        <p className="quiet launch-more">
          {ranked.length} of {apps.length} are shown.
        </p>
      )}
    </>
  );
}

/** In words, for those who do not see the order change. */
function leaderIn([first, second]: readonly Standing[]): string {
  if (first === undefined || votesOf(first) === 0 || second?.rank === 1) return "";
  return `${first.name} leads`;
}
