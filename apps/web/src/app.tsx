import { useReadable, VoteClientProvider } from "@votesync/client/react";
import type { Boot, Page } from "./boot.js";
import { ConnectionBadge } from "./connection/connection-badge.js";
import { DegradedNotice } from "./connection/degraded-notice.js";
import { HostView } from "./jam/host-view.js";
import { JamView } from "./jam/jam-view.js";
import { JamsView } from "./jam/jams-view.js";
import { LaunchView } from "./launch/launch-view.js";
import { LeaderboardView } from "./leaderboard/leaderboard-view.js";
import { Masthead } from "./masthead.js";
import { OperatorView } from "./operator/operator-view.js";
import { type Place, placeOf } from "./places.js";
import { Problem } from "./problem.js";
import { ProjectsView } from "./projects/projects-view.js";
import { SessionLine } from "./session/session-line.js";
import { SyncView } from "./sync/sync-view.js";
import { useTitle } from "./use-title.js";

export function App({ boot }: { boot: Boot }) {
  const state = useReadable(boot.state);
  const place = placeOf(location.pathname);
  const page = state.step === "ready" ? state.page : null;
  return (
    <div className="page">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <Masthead place={place}>{page !== null && <ConnectionBadge client={page.client} />}</Masthead>
      <main id="content" tabIndex={-1}>
        {page !== null && <DegradedNotice client={page.client} />}
        <Intro place={place} />
        {state.step === "failed" && <Problem error={state.error} onRetry={() => void boot.start()} />}
        {state.step === "starting" && <p className="quiet">Starting…</p>}
        {page !== null && (
          <VoteClientProvider client={page.client}>
            <View place={place} page={page} />
          </VoteClientProvider>
        )}
      </main>
      <footer className="footer">
        {page !== null && <SessionLine session={page.session} />}
        <nav aria-label="About this server">
          <a href="/docs">API reference</a>
          <a href="/operator">Operate</a>
          <a href="/statusz">System status</a>
        </nav>
      </footer>
    </div>
  );
}

function View({ place, page }: { place: Place; page: Page }) {
  switch (place.page) {
    case "projects":
      return <ProjectsView page={page} />;
    case "launch":
      return <LaunchView page={page} date={place.date} />;
    case "jams":
      return <JamsView page={page} />;
    case "jam":
      return <JamView page={page} jamId={place.id} />;
    case "host":
      return <HostView page={page} jamId={place.id} />;
    case "leaderboard":
      return <LeaderboardView page={page} />;
    case "operator":
      return <OperatorView page={page} />;
    case "sync":
      return <SyncView page={page} />;
  }
}

/** A jam has its own name instead. */
function Intro({ place: { page } }: { place: Place }) {
  if (page === "jam" || page === "host") return null;
  return <Words page={page} />;
}

function Words({ page }: { page: keyof typeof INTRO }) {
  useTitle(NAMES[page]);
  const { title, text } = INTRO[page];
  return (
    <div className="intro">
      <h1>{title}</h1>
      <p>{text}</p>
    </div>
  );
}

/** In the titles of tabs. */
const NAMES = {
  projects: null,
  launch: "Launch",
  jams: "Jams",
  leaderboard: "Leaderboard",
  operator: "Operate",
  sync: "Leaderboard sync",
};

const INTRO = {
  projects: { title: "Every vote counts once.", text: "And everybody sees the same number, the moment it changes." },
  launch: { title: "Launch day.", text: "Votes count until the day ends, on the dot; then the next day begins." },
  jams: { title: "Jams.", text: "A queue of songs, ordered by everybody's votes, the same on every screen." },
  leaderboard: {
    title: "Leaderboards.",
    text: "Whose projects people vote for: today, this week, this month, this year.",
  },
  operator: { title: "Operate.", text: "How this installation is doing, and what to do where it is not." },
  sync: { title: "Leaderboards.", text: "How they reach PostgreSQL, and what keeps them from it." },
};
