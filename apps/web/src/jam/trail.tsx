import type { ShownBoard } from "@votesync/client";
import { useVoteClient } from "@votesync/client/react";
import { useEffect, useRef, useState } from "react";
import { shortName } from "../session/short-name.js";

interface Action {
  at: string;
  user_id: string;
  stream_id: string;
  vote_type: "up" | "down" | "none";
  action: string;
  version: number;
}

const ACTIONS_SHOWN = 12;
/** A vote shows in the queue a moment before it is in the trail. */
const LOOK_AGAIN_MS = 1_000;
const WORDS = { up: "voted up", down: "voted down", none: "took back a vote on" } as const;
const TIME = new Intl.DateTimeFormat("en", { timeStyle: "medium" });

/** The last votes, newest first, read again whenever the board has changed. */
export function Trail({ board }: { board: ShownBoard }) {
  const actions = useActions(board);
  const titles = new Map([...board.streams, board.activeStream].flatMap((s) => (s === null ? [] : [[s.id, s.title]])));
  return (
    <section className="launch-section" aria-labelledby="trail-title">
      <h2 id="trail-title">Last votes</h2>
      {actions.length === 0 ? (
        <p className="quiet">Nobody has voted yet.</p>
      ) : (
        <ol className="results trail" data-testid="trail">
          {actions.map(({ at, user_id, stream_id, vote_type, version }) => (
            <li key={`${stream_id} ${version}`}>
              <time className="quiet" dateTime={at}>
                {TIME.format(Date.parse(at))}
              </time>
              <span>
                <span title={user_id}>{shortName(user_id)}</span> <span className="quiet">{WORDS[vote_type]}</span>{" "}
                {titles.get(stream_id) ?? "a song played"}
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** One question at a time, and one more when the board has changed meanwhile. */
function useActions({ id, version }: ShownBoard): readonly Action[] {
  const client = useVoteClient();
  const [actions, setActions] = useState<readonly Action[]>([]);
  const reading = useRef({ wanted: 0, busy: false });
  useEffect(() => {
    const state = reading.current;
    const readUntilNewest = async () => {
      state.busy = true;
      for (let read = -1; read !== state.wanted; ) {
        read = state.wanted;
        const answer = await client.request<{ actions: Action[] }>(`/api/streams/debug?jamId=${id}`);
        setActions(answer.actions.slice(0, ACTIONS_SHOWN));
      }
    };
    const look = () => {
      state.wanted++;
      if (state.busy) return;
      // What could not be read is read with the next change.
      void readUntilNewest()
        .catch(() => undefined)
        .finally(() => {
          state.busy = false;
        });
    };
    look();
    const lookAgain = setTimeout(look, LOOK_AGAIN_MS);
    return () => clearTimeout(lookAgain);
  }, [client, id, version]);
  return actions;
}
