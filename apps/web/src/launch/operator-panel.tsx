import { useVoteClient } from "@votesync/client/react";
import { useState } from "react";
import { useAction } from "../page/use-action.js";
import { Problem } from "../problem.js";
import { finalizeDay, type LaunchDay, readHealth, rehearseRecovery } from "./launch-api.js";
import type { LaunchDays } from "./launch-days.js";

interface OperatorPanelProps {
  day: LaunchDay;
  launch: LaunchDays;
}

/** What came of the last thing an operator asked for, line by line. */
interface Outcome {
  title: string;
  lines: string[];
}

/** For admins: how the day's votes are kept, its end, and what a recovery would change. */
export function OperatorPanel({ day: { date }, launch }: OperatorPanelProps) {
  const client = useVoteClient();
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const { run, busy, error } = useAction(async (work: () => Promise<Outcome>) => setOutcome(await work()));

  const health = () => run(async () => healthOutcome(await readHealth(client, date)));
  const rehearse = () => run(async () => recoveryOutcome(await rehearseRecovery(client, date)));
  const finalize = () =>
    run(async () => {
      const { message } = await finalizeDay(client, date);
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

function recoveryOutcome({ recovered, apps, missing }: Awaited<ReturnType<typeof rehearseRecovery>>): Outcome {
  const changes = apps.map(({ appId, before, after }) => `${appId}: ${before ?? "lost"} → ${after}`);
  const without = missing.map((appId) => `${appId}: has no backup`);
  return {
    title: `A recovery would change ${recovered} ${recovered === 1 ? "app" : "apps"}`,
    lines: [...changes, ...without],
  };
}
