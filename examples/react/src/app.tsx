import { useRealTimeUpdates } from "@votesync/client/react";
import { useState } from "react";
import { Leaders } from "./leaders.js";
import { Queue } from "./queue.js";
import { Song } from "./song.js";

export function App({ boardId }: { boardId: string }) {
  const [toast, setToast] = useState("");
  const connection = useRealTimeUpdates(
    {},
    {
      "vote:reconciled": ({ id }) => setToast(`The votes of ${id} were counted again.`),
      "vote:failed": ({ id }) => setToast(`Your vote on ${id} could not be kept.`),
    },
  );
  return (
    <main>
      <p>Connection: {connection}</p>
      <Queue boardId={boardId} />
      <Song id="rocket" />
      <Leaders period="weekly" />
      <p role="status">{toast}</p>
    </main>
  );
}
