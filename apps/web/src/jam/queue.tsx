import type { ShownBoard, ShownStream, Vote } from "@votesync/client";
import { useVoteClient } from "@votesync/client/react";
import { memo, useCallback } from "react";
import { voteFailureText } from "../failure-text.js";
import { VoteButtons } from "../projects/vote-buttons.js";
import { StreamLink } from "./now-playing.js";

/** The queue as the server orders it, the same on every screen. */
export function Queue({ board, mayVote }: { board: ShownBoard; mayVote: boolean }) {
  const client = useVoteClient();
  const click = useCallback((streamId: string, button: Vote) => client.click(streamId, button), [client]);
  return (
    <section className="queue" aria-labelledby="queue-title">
      <h2 id="queue-title">Up next</h2>
      {board.streams.length === 0 ? (
        <p className="quiet">The queue is empty.</p>
      ) : (
        <ol className="projects" aria-label="Queue" data-testid="queue" data-version={board.version}>
          {board.streams.map((stream) => (
            <StreamCard key={stream.id} stream={stream} mayVote={mayVote} onClick={click} />
          ))}
        </ol>
      )}
    </section>
  );
}

interface StreamCardProps {
  stream: ShownStream;
  mayVote: boolean;
  onClick: (streamId: string, button: Vote) => void;
}

const StreamCard = memo(function StreamCard({ stream, mayVote, onClick }: StreamCardProps) {
  return (
    <li
      className="card card-stream"
      data-project-id={stream.id}
      data-version={stream.version}
      data-pending={stream.pending}
    >
      <VoteButtons
        title={stream.title}
        votes={stream}
        mayVote={mayVote}
        onClick={(button) => onClick(stream.id, button)}
      />
      <div className="card-heading">
        <h3>
          <StreamLink stream={stream} />
        </h3>
      </div>
      {stream.error !== null && (
        <p className="failure" role="alert">
          {voteFailureText(stream.error)}
        </p>
      )}
    </li>
  );
});
