import { useReadable } from "@votesync/client/react";
import { Problem } from "../problem.js";
import type { Session } from "./session.js";

/** For a page that cannot vote: why, and what would change that. */
export function WatchingHint({ session }: { session: Session }) {
  const { identity, error } = useReadable(session.state);
  if (identity !== null) return null;
  if (error !== null) return <Problem error={error} onRetry={() => void session.ensure()} />;
  return (
    <div className="hint">
      <p>
        <strong>You are watching.</strong> To vote, put a token behind this page's address:{" "}
        <code>{location.origin}/#token=…</code>
      </p>
      <p>
        <code>pnpm run token alice</code> prints one on a development machine. The page keeps it in this browser and
        takes it out of the address.
      </p>
    </div>
  );
}
