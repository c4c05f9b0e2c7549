/** Votes accepted over HTTP against an Express hello world, in turns, with the worker and the gateway running. */
import { testToken } from "@votesync/testkit";
import { createProjects, type Installation, startHello } from "./installation.js";
import { type LoadResult, runLoad, type VoteHttpRequest } from "./load.js";
import type { Figure } from "./report.js";

const USERS = 2_000;
const PROJECTS = 200;
/** More than one run can send, so that no user votes twice on a project within the limit's window. */
const REQUESTS = 100_000;
const ROUNDS = 3;
const SECONDS = 6;

export async function measureAccepted(installation: Installation): Promise<Figure[]> {
  const hello = await startHello();
  const url = `${installation.api.url}/api/votes`;
  const requests = await voteRequests(installation);
  try {
    // Not counted: both sides compile their code, and the tokens are checked for the first time.
    await runLoad({ url: hello.url, requests, seconds: 2 });
    await runLoad({ url, requests, seconds: 2 });
    const rounds: { baseline: LoadResult; votes: LoadResult }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push({
        baseline: await runLoad({ url: hello.url, requests, seconds: SECONDS }),
        votes: await runLoad({ url, requests, seconds: SECONDS }),
      });
    }
    rounds.sort((a, b) => a.votes.perSecond / a.baseline.perSecond - b.votes.perSecond / b.baseline.perSecond);
    const { baseline, votes } = rounds[ROUNDS >> 1] as (typeof rounds)[number];
    const rate = Math.floor(votes.perSecond / 2);
    const slowBaseline = await runLoad({ url: hello.url, requests, seconds: SECONDS, rate });
    const slowVotes = await runLoad({ url, requests, seconds: SECONDS, rate });
    const failures = rounds.reduce((sum, round) => sum + round.votes.failures, slowVotes.failures);
    if (failures > 0) throw new Error(`${failures} votes were refused or unanswered: the figures mean nothing`);
    return [
      {
        name: "accepted votes/s ÷ Express hello world requests/s",
        ours: votes.perSecond,
        baseline: baseline.perSecond,
        ratio: votes.perSecond / baseline.perSecond,
        aim: "≥ 0.75",
      },
      {
        name: `p95 at half load (${rate}/s) ÷ the hello world's at the same rate, ms`,
        ours: slowVotes.p95Ms,
        baseline: slowBaseline.p95Ms,
        ratio: slowVotes.p95Ms / slowBaseline.p95Ms,
        aim: "p95 < 50 ms",
      },
    ];
  } finally {
    hello.stop();
  }
}

async function voteRequests(installation: Installation): Promise<VoteHttpRequest[]> {
  const projects = Array.from({ length: PROJECTS }, (_, i) => `bench-${i}`);
  await createProjects(installation, projects);
  const tokens = await Promise.all(Array.from({ length: USERS }, (_, i) => testToken(`bench ${i}`)));
  return Array.from({ length: REQUESTS }, (_, i) => ({
    headers: { "content-type": "application/json", authorization: `Bearer ${tokens[i % USERS]}` },
    body: JSON.stringify({
      project_id: projects[(i * 7 + Math.floor(i / USERS)) % PROJECTS],
      vote_type: i % 3 === 0 ? "down" : "up",
    }),
  }));
}
