import type { VoteClient } from "@votesync/client";
import { useReadable } from "@votesync/client/react";

/** Votes count, but the fast way is away. There from the start, so that screen readers hear of what comes into it. */
export function DegradedNotice({ client }: { client: VoteClient }) {
  const degraded = useReadable(client.degraded);
  return (
    <p className="degraded" role="status" data-testid="degraded">
      {degraded && "Votes count; at the moment they only take the slow way."}
    </p>
  );
}
