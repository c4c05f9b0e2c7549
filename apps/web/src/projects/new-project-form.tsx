import { type SubmitEvent, useState } from "react";
import { RequestError } from "../http/request.js";
import { Problem } from "../problem.js";
import type { Board } from "./board.js";

/** The server's limits, so that most mistakes are told before anything is sent. */
const TITLE_MAX = 200;
const URL_MAX = 2_048;

interface NewProjectFormProps {
  board: Board;
  onAdded?: () => void;
  onCancel?: () => void;
}

export function NewProjectForm({ board, onAdded, onCancel }: NewProjectFormProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<RequestError | null>(null);

  async function submit(event: SubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (busy) return;
    const fields = new FormData(event.currentTarget);
    const title = String(fields.get("title")).trim();
    const url = String(fields.get("url")).trim();
    setBusy(true);
    setError(null);
    try {
      await board.add(url === "" ? { title } : { title, url });
      onAdded?.();
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
        Title
        {/* Not blank: a pattern, because `required` takes spaces. */}
        <input name="title" required maxLength={TITLE_MAX} pattern=".*\S.*" autoComplete="off" />
      </label>
      <label className="field">
        <span>
          Web address <span className="quiet">(optional)</span>
        </span>
        <input
          name="url"
          type="url"
          maxLength={URL_MAX}
          placeholder="https://"
          pattern="https?://.*"
          autoComplete="off"
        />
      </label>
      {error !== null && <Problem error={error} />}
      <div className="form-actions">
        <button type="submit" className="button button-strong" aria-busy={busy}>
          {busy ? "Adding…" : "Add project"}
        </button>
        {onCancel !== undefined && (
          <button type="button" className="button" onClick={onCancel}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}
