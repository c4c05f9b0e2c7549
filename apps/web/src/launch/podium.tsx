import type { LaunchDay } from "./launch-api.js";

const PLACES = 3;

/** The first three of a day. */
export function Podium({ day }: { day: LaunchDay }) {
  const first = day.apps.slice(0, PLACES);
  if (first.length === 0) return <p className="quiet">Nothing was launched.</p>;
  return (
    <>
      <ol className="podium" aria-label={`The first ${first.length}`}>
        {first.map(({ appId, name, votes, rank }) => (
          <li key={appId} data-rank={rank} data-app-id={appId}>
            <span className="podium-rank">
              <span className="visually-hidden">Rank </span>
              {rank}
            </span>
            <strong>{name}</strong>
            <span className="quiet">{votes === 1 ? "1 vote" : `${votes} votes`}</span>
          </li>
        ))}
      </ol>
      <p className="quiet">
        {day.status === "final" ? "Final." : "Not final yet."} <a href={`/launch/${day.date}`}>All of {day.date}</a>
      </p>
    </>
  );
}
