import type { VoteClient } from "@votesync/client";
import { useVoteClient } from "@votesync/client/react";
import { useState } from "react";
import type { Page } from "../boot.js";
import { AdminsOnly } from "../page/admins-only.js";
import { useAction } from "../page/use-action.js";
import { useRefreshed } from "../page/use-refreshed.js";
import { Problem } from "../problem.js";
import { HistoryChart } from "./history-chart.js";
import { readOverview, restoreBoards, runSync, type SyncOverview, type SyncRun, setEnabled } from "./sync-api.js";

const RUNS_LISTED = 10;

/** For admins: how leaderboards reach PostgreSQL. */
export function SyncView({ page: { session } }: { page: Page }) {
  return (
    <AdminsOnly session={session}>
      <Overview />
    </AdminsOnly>
  );
}

function Overview() {
  const client = useVoteClient();
  const { value: overview, error: unread, load } = useRefreshed(() => readOverview(client));
  const [said, setSaid] = useState("");
  const { run, busy, error } = useAction(async (work: Work) => {
    setSaid(await work(client).finally(load));
  });
  if (overview === null) return unread === null ? <p className="quiet">Loading…</p> : <Problem error={unread} />;
  return (
    <>
      <State overview={overview} />
      <Actions enabled={overview.status.enabled} busy={busy} onAct={(work) => void run(work)} />
      <p aria-live="polite" data-testid="sync-said">
        {said}
      </p>
      {[error, unread].map((problem, i) => problem !== null && <Problem key={PROBLEMS[i]} error={problem} />)}
      <Runs runs={overview.runs} />
    </>
  );
}

const PROBLEMS = ["of what was asked for", "of reading"];

/** What is wanted, and the words that tell what came of it. */
type Work = (client: VoteClient) => Promise<string>;

function State({ overview: { status, health } }: { overview: SyncOverview }) {
  const unknown = status.enabled ? "not known yet" : "once it is started";
  const next = status.next_run_at === null ? unknown : new Date(status.next_run_at).toLocaleString();
  return (
    <section className="launch-section" aria-labelledby="sync-title">
      <h2 id="sync-title" data-testid="sync-state">
        {status.enabled ? "Runs by itself" : "Stopped"}
      </h2>
      <p className="quiet">
        {status.running === null ? `Next run: ${next}` : "A run is under way"} · {health.status.replace("_", " ")}
      </p>
      {health.issues.length > 0 && (
        <ul className="sync-issues">
          {health.issues.map((issue, i) => (
            <li key={issue}>
              {issue} <span className="quiet">{health.recommendations[i]}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

interface ActionsProps {
  enabled: boolean;
  busy: boolean;
  onAct: (work: Work) => void;
}

function Actions({ enabled, busy, onAct }: ActionsProps) {
  const run = (dryRun: boolean) => async (client: VoteClient) => {
    const { created, updated, deleted } = await runSync(client, dryRun);
    return `${dryRun ? "It would have" : "It has"} created ${created}, updated ${updated} and deleted ${deleted} users.`;
  };
  const buttons: [label: string, work: Work][] = [
    ["Run now", run(false)],
    ["Dry run", run(true)],
    [
      enabled ? "Stop" : "Start",
      async (client) => ((await setEnabled(client, !enabled)).enabled ? "It runs by itself." : "It is stopped."),
    ],
    ["Restore boards", async (client) => `${(await restoreBoards(client)).restored} entries were counted anew.`],
  ];
  return (
    <div className="form-actions" aria-busy={busy}>
      {buttons.map(([label, work]) => (
        <button key={label} type="button" className="button" onClick={() => onAct(work)}>
          {label}
        </button>
      ))}
    </div>
  );
}

function Runs({ runs }: { runs: readonly SyncRun[] }) {
  if (runs.length === 0) return <p className="quiet">It has not run yet.</p>;
  return (
    <section className="launch-section" aria-labelledby="runs-title">
      <h2 id="runs-title">Last runs</h2>
      <HistoryChart runs={runs} />
      <ol className="results sync-runs" aria-label="Runs">
        {runs.slice(0, RUNS_LISTED).map((run) => (
          <li key={run.run_id} data-status={run.status}>
            <span className="quiet">{run.trigger}</span>
            <span>
              {new Date(run.started_at).toLocaleString()}{" "}
              {run.error !== null && <span className="quiet">{run.error}</span>}
            </span>
            <span className="results-votes">{run.status === "done" ? changesOf(run) : run.status}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

const changesOf = ({ created = 0, updated = 0, deleted = 0 }: SyncRun) => `+${created} ~${updated} −${deleted}`;
