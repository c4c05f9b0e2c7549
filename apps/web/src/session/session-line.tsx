import { useReadable } from "@votesync/client/react";
import type { Session } from "./session.js";

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

/** A guest's id is a UUID; its first letters tell two guests apart. */
function shortName(userId: string): string {
  return userId.replace(/^(guest:[\da-f]{6})[\da-f-]+$/, "$1");
}
