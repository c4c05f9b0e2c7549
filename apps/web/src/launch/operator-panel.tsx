import { useState } from "react";
import { RequestError } from "../http/request.js";
import { Problem } from "../problem.js";
import type { Session } from "../session/session.js";
import { finalizeDay, type LaunchDay, readHealth, recoverVotes } from "./launch-api.js";
import type { LaunchDays } from "./launch-days.js";

interface OperatorPanelProps {
  session: Session;
  day: LaunchDay;
  launch: LaunchDays;
}

/** What came of the last thing an operator asked for, line by line. */
interface Outcome {
  title: string;
  lines: string[];
}

/** For admins: how the day's votes are kept, its end, and what a recovery would change. */
export function OperatorPanel({ session, day: { date }, launch }: OperatorPanelProps) {
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [error, setError] = useState<RequestError | null>(null);

  async function run(work: (token: string | undefined) => Promise<Outcome>): Promise<void> {
    if (busy) return;
    setBusy(true);
    setError(null);
    try {
      setOutcome(await session.withToken(work));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      setError(error);
    } finally {
      setBusy(false);
    }
  }

  const health = () => run(async (token) => healthOutcome(await readHealth(token, date)));
  const rehearse = () => run(async (token) => recoveryOutcome(await recoverVotes(token, date, true)));
  const finalize = () =>
    run(async (token) => {
      const { message } = await finalizeDay(token, date);
      await launch.load();
      return { title: message, lines: [] };
    });

  return (
    <section className="panel" aria-labelledby="operator-title">
      <h2 id="operator-title">Operate {date}</h2>
      <div className="form-actions" aria-busy={busy}>
        <button type="button" className="button" onClick={() => void health()}>
          Health
        </button>
        <button type="button" className="button" onClick={() => void finalize()}>
          Finalize now
        </button>
        <button type="button" className="button" onClick={() => void rehearse()}>
          Recover (dry run)
        </button>
      </div>
      {error !== null && <Problem error={error} />}
      <div aria-live="polite" data-testid="operator-outcome">
        {outcome !== null && (
          <>
            <p>
              <strong>{outcome.title}</strong>
            </p>
            <ul>
              {outcome.lines.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </>
        )}
      </div>
    </section>
  );
}

function healthOutcome({
  status,
  health: { issues, recommendations },
}: Awaited<ReturnType<typeof readHealth>>): Outcome {
  return { title: status.replace("_", " "), lines: [...issues, ...recommendations] };
}

function recoveryOutcome({ recovered, apps, missing }: Awaited<ReturnType<typeof recoverVotes>>): Outcome {
  const changes = apps.map(({ appId, before, after }) => `${appId}: ${before ?? "lost"} → ${after}`);
  const without = missing.map((appId) => `${appId}: has no backup`);
  return {
    title: `A recovery would change ${recovered} ${recovered === 1 ? "app" : "apps"}`,
    lines: [...changes, ...without],
  };
}
