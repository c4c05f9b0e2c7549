import type { RequestError } from "@votesync/client";

/** What went wrong, in the server's own words, and the way on. */
export function Problem({ error, onRetry }: { error: RequestError; onRetry?: () => void }) {
  return (
    <div className="problem" role="alert">
      <p className="problem-title">{error.message}</p>
      {error.detail !== "" && error.detail !== error.message && <p>{error.detail}</p>}
      {error.fieldErrors.length > 0 && (
        <ul>
          {error.fieldErrors.map(({ path, message }) => (
            <li key={`${path} ${message}`}>
              {path !== "" && <strong>{path} </strong>}
              {message}
            </li>
          ))}
        </ul>
      )}
      {onRetry !== undefined && (
        <button type="button" className="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
