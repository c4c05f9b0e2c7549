import type { Boot } from "./boot.js";
import { ConnectionBadge } from "./live/connection-badge.js";
import { Problem } from "./problem.js";
import { BoardView } from "./projects/board-view.js";
import { SessionLine } from "./session/session-line.js";
import { useStore } from "./use-store.js";
import { Wordmark } from "./wordmark.js";

export function App({ boot }: { boot: Boot }) {
  const state = useStore(boot.state);
  return (
    <div className="page">
      <header className="masthead">
        <Wordmark />
        <ConnectionBadge connection={boot.connection} />
      </header>
      <main>
        <div className="intro">
          <h1>Every vote counts once.</h1>
          <p>And everybody sees the same number, the moment it changes.</p>
        </div>
        {state.step === "failed" && <Problem error={state.error} onRetry={() => void boot.start()} />}
        {state.step === "starting" && <p className="quiet">Starting…</p>}
        {state.step === "ready" && <BoardView page={state.page} />}
      </main>
      <footer className="footer">
        {state.step === "ready" && <SessionLine session={state.page.session} />}
        <nav aria-label="About this server">
          <a href="/docs">API reference</a>
          <a href="/statusz">System status</a>
        </nav>
      </footer>
    </div>
  );
}
