import type { ShownBoard } from "@votesync/client";
import { useBoard, useReadable } from "@votesync/client/react";
import type { ReactNode } from "react";
import type { Page } from "../boot.js";
import { WatchingHint } from "../session/watching-hint.js";
import { useTitle } from "../use-title.js";
import { AddSong } from "./add-song.js";
import { NowPlaying } from "./now-playing.js";
import { Queue } from "./queue.js";

/** What the audience has: what is played, the queue to vote on, and a form for another song. */
export function JamView({ page: { session }, jamId }: { page: Page; jamId: string }) {
  const { identity } = useReadable(session.state);
  return (
    <Jam jamId={jamId}>
      {(board) => (
        <>
          <WatchingHint session={session} />
          {identity !== null && identity.userId === board.ownerId && (
            <p className="jam-host">
              This is your jam. <a href={`/jam/${board.id}/host`}>Host it</a>
            </p>
          )}
          <NowPlaying stream={board.activeStream} />
          <Queue board={board} mayVote={identity !== null} />
          {identity !== null && <AddSong jamId={jamId} />}
        </>
      )}
    </Jam>
  );
}

/** A jam by its name, once it is known. */
export function Jam({ jamId, children }: { jamId: string; children: (board: ShownBoard) => ReactNode }) {
  const board = useBoard(jamId);
  useTitle(board?.title ?? "Jam");
  if (board === undefined) {
    return (
      <p className="quiet jam-loading" role="status">
        Loading the jam…
      </p>
    );
  }
  if (board === null) {
    return (
      <div className="intro">
        <h1>There is no such jam.</h1>
        <p>
          Its address may be mistyped. <a href="/jam">Jams there are</a>
        </p>
      </div>
    );
  }
  return (
    <>
      <div className="intro jam-intro">
        <h1>{board.title}</h1>
      </div>
      {children(board)}
    </>
  );
}
