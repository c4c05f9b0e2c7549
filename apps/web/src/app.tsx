import type { Boot } from "./boot.js";
import { launchDateOf } from "./launch/calendar.js";
import { LaunchView } from "./launch/launch-view.js";
import { ConnectionBadge } from "./live/connection-badge.js";
import { Problem } from "./problem.js";
import { BoardView } from "./projects/board-view.js";
import { SessionLine } from "./session/session-line.js";
import { SyncView } from "./sync/sync-view.js";
import { useStore } from "./use-store.js";
import { Wordmark } from "./wordmark.js";

export function App({ boot }: { boot: Boot }) {
  const state = useStore(boot.state);
  const isLaunch = launchDateOf(location.pathname) !== undefined;
  const isSync = /^\/sync\/?$/.test(location.pathname);
  const words = isSync ? INTRO.sync : isLaunch ? INTRO.launch : INTRO.board;
  return (
    <div className="page">
      <header className="masthead">
        <Wordmark />
        <nav className="masthead-nav" aria-label="Pages">
          <a href="/" {...current(!isLaunch && !isSync)}>
            Board
          </a>
          <a href="/launch" {...current(isLaunch)}>
            Launch
          </a>
        </nav>
        <ConnectionBadge connection={boot.connection} />
      </header>
      <main>
        <div className="intro">
          <h1>{words.title}</h1>
          <p>{words.text}</p>
        </div>
        {state.step === "failed" && <Problem error={state.error} onRetry={() => void boot.start()} />}
        {state.step === "starting" && <p className="quiet">Starting…</p>}
        {state.step === "ready" &&
          (isSync ? (
            <SyncView session={state.page.session} />
          ) : state.page.launch === null ? (
            <BoardView page={state.page} />
          ) : (
            <LaunchView page={state.page} launch={state.page.launch} />
          ))}
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

const current = (isCurrent: boolean) => (isCurrent ? ({ "aria-current": "page" } as const) : {});

const INTRO = {
  board: { title: "Every vote counts once.", text: "And everybody sees the same number, the moment it changes." },
  launch: { title: "Launch day.", text: "Votes count until the day ends, on the dot; then the next day begins." },
  sync: { title: "Leaderboards.", text: "How they reach PostgreSQL, and what keeps them from it." },
};
