import { useCallback, useEffect, useState } from "react";
import { RequestError } from "../http/request.js";
import { Problem } from "../problem.js";
import type { Session } from "../session/session.js";
import { useStore } from "../use-store.js";
import { HistoryChart } from "./history-chart.js";
import { readOverview, restoreBoards, runSync, type SyncOverview, type SyncRun, setEnabled } from "./sync-api.js";

const REFRESH_MS = 5_000;
const RUNS_LISTED = 10;

/** For admins: how leaderboards reach PostgreSQL. */
export function SyncView({ session }: { session: Session }) {
  const { identity } = useStore(session.state);
  if (identity?.isAdmin !== true) {
    return (
      <div className="hint">
        <p>
          <strong>This page is for admins.</strong> Put an admin's token behind this page's address:{" "}
          <code>{location.origin}/sync#token=…</code>
        </p>
      </div>
    );
  }
  return <Overview session={session} />;
}

function Overview({ session }: { session: Session }) {
  const [overview, setOverview] = useState<SyncOverview | null>(null);
  const [error, setError] = useState<RequestError | null>(null);
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);

  /** Shows what comes of some work, or why nothing did. */
  const attempt = useCallback(
    async (work: (token: string | undefined) => Promise<void>) => {
      try {
        await session.withToken(work);
        setError(null);
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        setError(error);
      }
    },
    [session],
  );
  const load = useCallback(() => attempt(async (token) => setOverview(await readOverview(token))), [attempt]);
  useEffect(() => {
    void load();
    const timer = setInterval(() => void load(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [load]);

  const act = async (work: (token: string | undefined) => Promise<string>) => {
    if (busy) return;
    setBusy(true);
    await attempt(async (token) => setSaid(await work(token)));
    setBusy(false);
    await load();
  };
  if (overview === null) return error === null ? <p className="quiet">Loading…</p> : <Problem error={error} />;
  return (
    <>
      <State overview={overview} />
      <Actions enabled={overview.status.enabled} busy={busy} onAct={(work) => void act(work)} />
      <p aria-live="polite" data-testid="sync-said">
        {said}
      </p>
      {error !== null && <Problem error={error} />}
      <Runs runs={overview.runs} />
    </>
  );
}

function State({ overview: { status, health } }: { overview: SyncOverview }) {
  const next = status.next_run_at === null ? "not known yet" : new Date(status.next_run_at).toLocaleString();
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
  onAct: (work: (token: string | undefined) => Promise<string>) => void;
}

function Actions({ enabled, busy, onAct }: ActionsProps) {
  const run = (dryRun: boolean) => async (token: string | undefined) => {
    const { created, updated, deleted } = await runSync(token, dryRun);
    return `${dryRun ? "It would have" : "It has"} created ${created}, updated ${updated} and deleted ${deleted} users.`;
  };
  const buttons: [label: string, work: (token: string | undefined) => Promise<string>][] = [
    ["Run now", run(false)],
    ["Dry run", run(true)],
    [
      enabled ? "Stop" : "Start",
      async (token) => ((await setEnabled(token, !enabled)).enabled ? "It runs by itself." : "It is stopped."),
    ],
    ["Restore boards", async (token) => `${(await restoreBoards(token)).restored} entries were counted anew.`],
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
