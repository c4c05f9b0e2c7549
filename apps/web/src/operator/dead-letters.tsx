import { useVoteClient } from "@votesync/client/react";
import { useAction } from "../page/use-action.js";
import { useRefreshed } from "../page/use-refreshed.js";
import { Problem } from "../problem.js";
import { readDeadLetters, replayLetter } from "./operator-api.js";

/** Votes that could not be stored, with the reason; each can be cast anew once that is mended. */
export function DeadLetters() {
  const client = useVoteClient();
  const { value: letters, error: unread, load } = useRefreshed(() => readDeadLetters(client));
  const { run, busy, error } = useAction(async (id: string) => {
    await replayLetter(client, id).finally(load);
  });
  const problem = error ?? unread;
  return (
    <section className="launch-section" aria-labelledby="letters-title">
      <h2 id="letters-title">Dead letters</h2>
      {problem !== null && <Problem error={problem} />}
      {letters?.length === 0 && <p className="quiet">None: every vote could be stored.</p>}
      {letters !== null && letters.length > 0 && (
        <ul className="results letters" aria-busy={busy}>
          {letters.map(({ id, project_id, user_id, error }) => (
            <li key={id} data-letter-id={id}>
              <span>
                <strong>{user_id ?? "Somebody"}</strong> on <strong>{project_id ?? "something"}</strong>
                <br />
                <span className="quiet">{error}</span>
              </span>
              <button type="button" className="button" onClick={() => void run(id)}>
                Replay
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
