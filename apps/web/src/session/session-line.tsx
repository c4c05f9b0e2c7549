import { useReadable } from "@votesync/client/react";
import type { Session } from "./session.js";
import { shortName } from "./short-name.js";

/** Who the votes of this page belong to. */
export function SessionLine({ session }: { session: Session }) {
  const { identity } = useReadable(session.state);
  if (identity === null) return <p>Watching only</p>;
  return (
    <p className="session-line">
      Voting as <strong title={identity.userId}>{shortName(identity.userId)}</strong>
    </p>
  );
}
