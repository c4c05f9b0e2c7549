import type { VoteClient } from "@votesync/client";
import { useReadable } from "@votesync/client/react";
import type { Page } from "../boot.js";
import { Form, TitleField } from "../page/form.js";
import { useRefreshed } from "../page/use-refreshed.js";
import { Problem } from "../problem.js";
import { WatchingHint } from "../session/watching-hint.js";

interface Jam {
  id: string;
  title: string;
}

/** Jams there are, newest first, and a form for another one. */
export function JamsView({ page: { client, session } }: { page: Page }) {
  const { value, error, load } = useRefreshed(() => client.request<{ boards: Jam[] }>("/api/boards"));
  const jams = value?.boards ?? null;
  const mayStart = useReadable(session.state).identity !== null;
  return (
    <>
      <WatchingHint session={session} />
      {mayStart && (
        <section className="panel" aria-labelledby="start-title">
          <h2 id="start-title">Start a jam</h2>
          <p className="quiet">You play; everybody with its address adds songs and votes on them.</p>
          <Form submit="Start" busy="Starting…" onSubmit={(field) => start(client, field)}>
            <TitleField label="What it is called" />
            <label className="field">
              How a click shows
              <select name="mode" defaultValue="server-first">
                <option value="server-first">Once it is counted</option>
                <option value="optimistic">At once</option>
              </select>
            </label>
          </Form>
        </section>
      )}
      {error !== null && <Problem error={error} onRetry={() => void load()} />}
      {jams === null && error === null && <p className="quiet">Loading…</p>}
      {jams !== null && (
        <section aria-labelledby="jams-title">
          <h2 id="jams-title">Going on</h2>
          {jams.length === 0 ? <p className="quiet">No jam yet.</p> : <JamList jams={jams} />}
        </section>
      )}
    </>
  );
}

function JamList({ jams }: { jams: readonly Jam[] }) {
  return (
    <ul className="results line-up">
      {jams.map(({ id, title }) => (
        <li key={id}>
          <a className="results-name" href={`/jam/${id}`}>
            {title}
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Whoever starts one is its host. */
async function start(client: VoteClient, field: (name: string) => string): Promise<void> {
  const body = { title: field("title"), mode: field("mode") };
  const { id } = await client.request<Jam>("/api/boards", { method: "POST", body });
  location.assign(`/jam/${id}/host`);
}
