import { useVoteClient } from "@votesync/client/react";
import type { Page } from "../boot.js";
import { AdminsOnly } from "../page/admins-only.js";
import { useRefreshed } from "../page/use-refreshed.js";
import { Problem } from "../problem.js";
import { DeadLetters } from "./dead-letters.js";
import { type InstallationStatus, readMetrics, readStatus, type VoteMetrics } from "./operator-api.js";

/** For admins: what is up, how votes are doing, and what could not be stored. */
export function OperatorView({ page: { session } }: { page: Page }) {
  return (
    <AdminsOnly session={session}>
      <Services />
      <Votes />
      <DeadLetters />
      <section className="launch-section" aria-labelledby="elsewhere-title">
        <h2 id="elsewhere-title">Elsewhere</h2>
        <ul>
          <li>
            <a href="/sync">Leaderboards and their sync</a>
          </li>
          <li>
            <a href="/launch">Launch days</a>: health, end and recovery stand below each day
          </li>
        </ul>
      </section>
    </AdminsOnly>
  );
}

const STATUS_WORDS: Record<InstallationStatus["status"], string> = {
  ok: "Everything is usable",
  degraded: "Something is away; votes go on",
  down: "Something needed is down",
};

function Services() {
  const { value, error } = useRefreshed(readStatus);
  return (
    <section className="launch-section" aria-labelledby="services-title">
      <h2 id="services-title" aria-live="polite" data-testid="installation-status">
        {value === null ? "Services" : STATUS_WORDS[value.status]}
      </h2>
      {error !== null && <Problem error={error} />}
      {value !== null && (
        <ul className="results checks" aria-label="Services">
          {Object.entries(value.checks).map(([name, check]) => (
            <li key={name} data-status={check.status}>
              <span className="check-status">{check.status}</span>
              <span className="results-name">
                {name} {check.error !== undefined && <span className="quiet">{check.error}</span>}
              </span>
              <span className="results-votes quiet">{Math.round(check.latency_ms)} ms</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const NUMBERS = new Intl.NumberFormat("en");
const shown = (value: number | null, unit = "") => (value === null ? "not known" : `${NUMBERS.format(value)}${unit}`);

const FIGURES: readonly [string, (metrics: VoteMetrics) => string][] = [
  ["Votes", ({ total_votes }) => shown(total_votes)],
  ["Answered well", ({ success_rate }) => shown(success_rate, " %")],
  ["Half of them within", ({ p50_ms }) => shown(p50_ms, " ms")],
  ["99 % within", ({ p99_ms }) => shown(p99_ms, " ms")],
  ["Not stored yet", ({ queue_depth }) => shown(queue_depth)],
  ["Oldest of these", ({ worker_lag_ms }) => shown(worker_lag_ms, " ms")],
];

function Votes() {
  const client = useVoteClient();
  const { value, error } = useRefreshed(() => readMetrics(client));
  return (
    <section className="launch-section" aria-labelledby="votes-title">
      <h2 id="votes-title">Votes</h2>
      {error !== null && <Problem error={error} />}
      {value !== null && (
        <dl className="figures" data-testid="figures">
          {FIGURES.map(([name, of]) => (
            <div key={name}>
              <dt className="quiet">{name}</dt>
              <dd>{of(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  );
}
