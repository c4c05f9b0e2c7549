import { CopyButton } from "../page/copy-button.js";
import type { LaunchDay } from "./launch-api.js";

const NUMBERS = new Intl.NumberFormat("en");

/** A day that is over, in its order. */
export function Results({ day }: { day: LaunchDay }) {
  if (day.apps.length === 0) return <p className="quiet">Nothing was launched.</p>;
  return (
    <>
      <ol className="results" aria-label="Results">
        {day.apps.map(({ appId, name, votes, rank }) => (
          <li key={appId} data-app-id={appId}>
            <span className="results-rank">{rank}</span>
            <span className="results-name">{name}</span>
            <span className="results-votes">
              {NUMBERS.format(votes)} <span className="quiet">{votes === 1 ? "vote" : "votes"}</span>
            </span>
          </li>
        ))}
      </ol>
      {day.seal !== null && <Seal seal={day.seal} />}
    </>
  );
}

/** Whoever keeps it can tell later whether the results are still the same. */
function Seal({ seal }: { seal: string }) {
  return (
    <p className="seal">
      <span>
        Sealed <code title={seal}>{seal.slice(0, 12)}…</code>
      </span>
      <CopyButton text={seal} label="Copy the seal" />
    </p>
  );
}
