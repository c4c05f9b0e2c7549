import { type SubmitEvent, useState } from "react";
import { RequestError } from "../http/request.js";
import { Problem } from "../problem.js";
import type { NewLaunchApp } from "./launch-api.js";
import type { LaunchDays } from "./launch-days.js";

const NAME_MAX = 200;

interface LaunchFormProps {
  launch: LaunchDays;
  /** The day that is shown: today, or a later one. */
  date: string;
  onLaunched: (app: NewLaunchApp) => void;
  onCancel: () => void;
}

export function LaunchForm({ launch, date, onLaunched, onCancel }: LaunchFormProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<RequestError | null>(null);

  async function submit(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (busy) return;
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      const app = { name: String(fields.get("name")).trim(), launchDate: String(fields.get("date")) };
      await launch.register(app);
      onLaunched(app);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      setError(error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <label className="field">
        Name
        {/* Not blank: a pattern, because `required` takes spaces. */}
        <input name="name" required maxLength={NAME_MAX} pattern=".*\S.*" autoComplete="off" />
      </label>
      <label className="field">
        Day
        <input name="date" type="date" required defaultValue={date} />
      </label>
      {error !== null && <Problem error={error} />}
      <div className="form-actions">
        <button type="submit" className="button button-strong" aria-busy={busy}>
          {busy ? "Launching…" : "Launch"}
        </button>
        <button type="button" className="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
