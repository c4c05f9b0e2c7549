import { useReadable } from "@votesync/client/react";
import type { ReactNode } from "react";
import type { Session } from "../session/session.js";

/** What the server would not answer to anybody else. */
export function AdminsOnly({ session, children }: { session: Session; children: ReactNode }) {
  const { identity } = useReadable(session.state);
  if (identity?.isAdmin === true) return children;
  return (
    <div className="hint">
      <p>
        <strong>This page is for admins.</strong> Put an admin's token behind this page's address:{" "}
        <code>
          {location.origin}
          {location.pathname}#token=…
        </code>
      </p>
      <p>
        <code>pnpm run token root --admin</code> prints one on a development machine.
      </p>
    </div>
  );
}
