/** Votes accepted over HTTP against an Express hello world, in turns, with the worker and the gateway running. */
import { testToken } from "@votesync/testkit";
import { DurableLag } from "./durable-lag.js";
import { createProjects, type Installation, startHello } from "./installation.js";
import { answered, type LoadResult, runLoad, type VoteHttpRequest } from "./load.js";
import type { Figure } from "./report.js";

const USERS = 2_000;
const PROJECTS = 200;
/** More than one run can send, so that no user votes twice on a project within the limit's window. */
const REQUESTS = 100_000;
const ROUNDS = 3;
const SECONDS = 6;

export interface Accepted {
  figures: Figure[];
  /** As many as the machine takes. */
  votesPerSecond: number;
}

export async function measureAccepted(installation: Installation): Promise<Accepted> {
  const hello = await startHello();
  const url = `${installation.api.url}/api/votes`;
  const projects = Array.from({ length: PROJECTS }, (_, i) => `bench-${i}`);
  await createProjects(installation, projects);
  const tokens = await Promise.all(Array.from({ length: USERS }, (_, i) => testToken(`bench ${i}`)));
  let run = 0;
  const nextRequests = (durability?: "committed") => voteRequests(projects, tokens, run++, durability);
  try {
    // Not counted: both sides compile their code, and the tokens are checked for the first time.
    await runLoad({ url: hello.url, requests: nextRequests(), seconds: 2 });
    await runLoad({ url, requests: nextRequests(), seconds: 2 });
    const full = await fullLoad(hello.url, url, nextRequests);
    const half = await halfLoad(installation, hello.url, url, nextRequests(), Math.floor(full.votes.perSecond / 2));
    const committed = await committedLoad(url, nextRequests("committed"));
    return { figures: [...full.figures, ...half, ...committed(full.votes)], votesPerSecond: full.votes.perSecond };
  } finally {
    hello.stop();
  }
}

async function fullLoad(helloUrl: string, url: string, nextRequests: () => VoteHttpRequest[]) {
  const rounds: { baseline: LoadResult; votes: LoadResult }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const requests = nextRequests();
    const baseline = await runLoad({ url: helloUrl, requests, seconds: SECONDS });
    rounds.push({ baseline, votes: answered(await runLoad({ url, requests, seconds: SECONDS })) });
  }
  rounds.sort((a, b) => a.votes.perSecond / a.baseline.perSecond - b.votes.perSecond / b.baseline.perSecond);
  const { baseline, votes } = rounds[ROUNDS >> 1] as (typeof rounds)[number];
  const figures: Figure[] = [
    {
      name: "accepted votes/s ÷ Express hello world requests/s",
      ours: votes.perSecond,
      baseline: baseline.perSecond,
      aim: "≥ 0.75, > 1,000/s",
    },
  ];
  return { votes, figures };
}

async function halfLoad(
  { postgres }: Installation,
  helloUrl: string,
  url: string,
  requests: VoteHttpRequest[],
  rate: number,
): Promise<Figure[]> {
  const baseline = await runLoad({ url: helloUrl, requests, seconds: SECONDS, rate });
  const lag = new DurableLag(postgres.pool);
  const votes = answered(await runLoad({ url, requests, seconds: SECONDS, rate }));
  const { p50Ms, p95Ms, p99Ms } = await lag.stop();
  return [
    {
      name: `p95 of an answer at half load (${rate}/s) ÷ the hello world's at the same rate, ms`,
      ours: votes.p95Ms,
      baseline: baseline.p95Ms,
      aim: "< 50 ms",
    },
    { name: "accepted to durable at half load, p50, ms", ours: p50Ms, aim: "" },
    { name: "accepted to durable at half load, p95, ms", ours: p95Ms, aim: "< 500 ms" },
    { name: "accepted to durable at half load, p99, ms", ours: p99Ms, aim: "" },
  ];
}

/** What it costs to be answered only when PostgreSQL has the vote. */
async function committedLoad(url: string, requests: VoteHttpRequest[]): Promise<(accepted: LoadResult) => Figure[]> {
  const committed = answered(await runLoad({ url, requests, seconds: SECONDS }));
  return (accepted) => [
    {
      name: "committed votes/s ÷ accepted votes/s, 64 connections",
      ours: committed.perSecond,
      baseline: accepted.perSecond,
      aim: "written down",
    },
    {
      name: "p95 of a committed answer ÷ an accepted one's, 64 connections, ms",
      ours: committed.p95Ms,
      baseline: accepted.p95Ms,
      aim: "written down",
    },
  ];
}

/** Every other run wishes the opposite, so that each vote changes something, as most votes do. */
function voteRequests(projects: string[], tokens: string[], run: number, durability?: "committed"): VoteHttpRequest[] {
  return Array.from({ length: REQUESTS }, (_, i) => ({
    headers: { "content-type": "application/json", authorization: `Bearer ${tokens[i % USERS]}` },
    body: JSON.stringify({
      project_id: projects[(i * 7 + Math.floor(i / USERS)) % projects.length],
      vote_type: (i % 3 === 0) === (run % 2 === 0) ? "down" : "up",
      ...(durability === undefined ? {} : { durability }),
    }),
  }));
}
