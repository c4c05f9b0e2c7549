import type { ReactNode, SubmitEvent } from "react";
import { Problem } from "../problem.js";
import { useAction } from "./use-action.js";

/** The server's limits, so that most mistakes are told before anything is sent. */
const TITLE_MAX = 200;
const URL_MAX = 2_048;

interface FormProps {
  /** What the button says. */
  submit: string;
  busy: string;
  children: ReactNode;
  /** Gets what was typed, trimmed. The form is empty again afterwards. */
  onSubmit: (fields: (name: string) => string) => Promise<void>;
  onCancel?: (() => void) | undefined;
}

/** A form that says what the server thinks of it. */
export function Form({ submit, busy: busyWords, children, onSubmit, onCancel }: FormProps) {
  const { run, busy, error } = useAction(async (form: HTMLFormElement) => {
    const data = new FormData(form);
    await onSubmit((name) => String(data.get(name) ?? "").trim());
    form.reset();
  });
  const submitted = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    void run(event.currentTarget);
  };
  return (
    <form className="form" onSubmit={submitted}>
      {children}
      {error !== null && <Problem error={error} />}
      <div className="form-actions">
        <button type="submit" className="button button-strong" aria-busy={busy}>
          {busy ? busyWords : submit}
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

export function TitleField({ label, name = "title" }: { label: string; name?: string }) {
  return (
    <label className="field">
      {label}
      {/* Not blank: a pattern, because `required` takes spaces. */}
      <input name={name} required maxLength={TITLE_MAX} pattern=".*\S.*" autoComplete="off" />
    </label>
  );
}

export function WebAddressField({ required = false }: { required?: boolean }) {
  return (
    <label className="field">
      <span>Web address {!required && <span className="quiet">(optional)</span>}</span>
      <input
        name="url"
        type="url"
        required={required}
        maxLength={URL_MAX}
        placeholder="https://"
        pattern="https?://.*"
        autoComplete="off"
      />
    </label>
  );
}
