import { useReadable, useVoteClient } from "@votesync/client/react";
import type { Page } from "../boot.js";
import { CopyButton } from "../page/copy-button.js";
import { useAction } from "../page/use-action.js";
import { Problem } from "../problem.js";
import { AddSong } from "./add-song.js";
import { Jam } from "./jam-view.js";
import { NowPlaying } from "./now-playing.js";
import { Queue } from "./queue.js";
import { Trail } from "./trail.js";

/** What the jam's creator has: the next song, the address to show around, and who voted for what. */
export function HostView({ page: { session }, jamId }: { page: Page; jamId: string }) {
  const { identity } = useReadable(session.state);
  return (
    <Jam jamId={jamId}>
      {(board) =>
        identity === null || (identity.userId !== board.ownerId && !identity.isAdmin) ? (
          <div className="hint">
            <p>
              <strong>This page is for the jam's host.</strong> <a href={`/jam/${jamId}`}>Vote on its queue</a>
            </p>
          </div>
        ) : (
          <>
            <Invitation jamId={jamId} />
            <NowPlaying stream={board.activeStream} />
            <PlayNext jamId={jamId} activeId={board.activeStream?.id ?? null} isEmpty={board.streams.length === 0} />
            <Queue board={board} mayVote />
            <AddSong jamId={jamId} />
            <Trail board={board} />
          </>
        )
      }
    </Jam>
  );
}

function Invitation({ jamId }: { jamId: string }) {
  const address = `${location.origin}/jam/${jamId}`;
  return (
    <p className="jam-invitation">
      <span>
        For your audience: <a href={address}>{address}</a>
      </span>
      <CopyButton text={address} label="Copy the address" />
    </p>
  );
}

interface PlayNextProps {
  jamId: string;
  /** What this page shows as played: a second click on the same one skips nothing. */
  activeId: string | null;
  isEmpty: boolean;
}

function PlayNext({ jamId, activeId, isEmpty }: PlayNextProps) {
  const client = useVoteClient();
  const { run, busy, error } = useAction(async () => {
    await client.request("/api/streams/next", { method: "POST", body: { jamId, activeId } });
  });
  return (
    <>
      <div className="form-actions">
        <button type="button" className="button button-strong" aria-busy={busy} onClick={() => void run()}>
          {isEmpty && activeId !== null ? "Stop playing" : "Play the next one"}
        </button>
      </div>
      {error !== null && <Problem error={error} />}
    </>
  );
}
