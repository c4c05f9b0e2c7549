/**
 * A thousand sockets on one hot project, and the same sockets on a bare Socket.IO server that tells them as often. Both
 * while the same votes are cast, so that both have the same machine.
 */
import { freePort } from "@votesync/local-stack";
import { testToken, waitFor } from "@votesync/testkit";
import { AskedProcess, type Counts, type CrowdReport } from "./crowd-process.js";
import { createProjects, type Installation } from "./installation.js";
import { runLoad, type VoteHttpRequest } from "./load.js";
import type { Figure } from "./report.js";

const SOCKETS = 1_000;
const VOTES_PER_SECOND = 2_000;
const SECONDS = 4;
const ROUNDS = 3;
/** None votes more than the limit lets them. */
const USERS = 4_000;
/** As often as the gateway tells one project: its fold window. */
const PAUSE_MS = 55;

interface Watched {
  url: string;
  cpuSeconds: () => Promise<number>;
  /** What a project's sockets must show in the end; `null` where they show anything. */
  final: ((project: string) => Promise<Counts>) | null;
}

/** A vote's answer. */
interface Answer extends Counts {
  atMs: number;
}

interface Seen {
  report: CrowdReport;
  answers: Answer[];
  deliveriesPerSecond: number;
  deliveriesPerCpuSecond: number;
}

export async function measureCrowd(installation: Installation): Promise<Figure[]> {
  const tokens = await Promise.all(Array.from({ length: USERS }, (_, i) => testToken(`crowd ${i}`)));
  const port = await freePort();
  const bareServer = await AskedProcess.start("./broadcast-server.js", [String(port), String(PAUSE_MS)]);
  const bare = { url: `http://127.0.0.1:${port}`, cpuSeconds: () => bareServer.ask<number>("cpu"), final: null };
  const { url } = installation.gateway;
  const gateway = { url, cpuSeconds: () => cpuSecondsOf(url), final: (id: string) => countsOf(installation, id) };
  try {
    await createProjects(installation, ["crowd-0"]);
    await castVotes(installation, "crowd-0", tokens);
    const rounds: { bare: Seen; ours: Seen }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const baseline = await watchVotes(installation, bare, `crowd-bare-${round}`, tokens);
      const ours = await watchVotes(installation, gateway, `crowd-${round + 1}`, tokens);
      rounds.push({ bare: baseline, ours });
    }
    return figuresOf(rounds);
  } finally {
    bareServer.stop();
  }
}

async function watchVotes(
  installation: Installation,
  { url, cpuSeconds, final }: Watched,
  project: string,
  tokens: string[],
): Promise<Seen> {
  await createProjects(installation, [project]);
  const crowd = await AskedProcess.start("./crowd-clients.js", [url, project, String(SOCKETS)]);
  try {
    await crowd.ask("begin");
    const cpuBefore = await cpuSeconds();
    const answers = await castVotes(installation, project, tokens);
    const cpu = (await cpuSeconds()) - cpuBefore;
    const report = await crowd.ask<CrowdReport>("report");
    const { deliveries, seconds } = report;
    const figures = { answers, deliveriesPerSecond: deliveries / seconds, deliveriesPerCpuSecond: deliveries / cpu };
    return { ...figures, report: final === null ? report : await lastReport(crowd, () => final(project)) };
  } finally {
    crowd.stop();
  }
}

/** @throws when a socket ends with anything but the final counts: then the figures mean nothing */
function lastReport(crowd: AskedProcess, final: () => Promise<Counts>): Promise<CrowdReport> {
  return waitFor("every socket to show the final counts", async () => {
    const report = await crowd.ask<CrowdReport>("report");
    const { upvotes, downvotes, version } = await final();
    const isFinal = (last: Counts | null) =>
      last?.version === version && last.upvotes === upvotes && last.downvotes === downvotes;
    return report.lasts.every(isFinal) && report;
  });
}

async function castVotes(installation: Installation, project: string, tokens: string[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  const onResponse = (status: number, body: string) => {
    if (status !== 200) return;
    const { upvotes, downvotes, version } = (JSON.parse(body) as { data: Counts }).data;
    answers.push({ upvotes, downvotes, version, atMs: performance.timeOrigin + performance.now() });
  };
  const requests = Array.from({ length: VOTES_PER_SECOND * SECONDS * 2 }, (_, i): VoteHttpRequest => {
    const vote_type = (i + Math.floor(i / USERS)) % 2 === 0 ? "up" : "down";
    return {
      headers: { "content-type": "application/json", authorization: `Bearer ${tokens[i % USERS]}` },
      body: JSON.stringify({ project_id: project, vote_type }),
      onResponse,
    };
  });
  const url = `${installation.api.url}/api/votes`;
  // One that a busy machine refuses is none: how many were taken stands in the figure's name.
  await runLoad({ url, requests, seconds: SECONDS, rate: VOTES_PER_SECOND });
  return answers;
}

async function countsOf({ api }: Installation, id: string): Promise<Counts> {
  return (
    await fetch(`${api.url}/api/projects/${id}`, { signal: AbortSignal.timeout(10_000) })
  ).json() as Promise<Counts>;
}

async function cpuSecondsOf(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(10_000) })).text();
  return Number(/^process_cpu_seconds_total(?:\{[^}]*\})? (\S+)$/m.exec(metrics)?.[1]);
}

function figuresOf(rounds: { bare: Seen; ours: Seen }[]): Figure[] {
  const middle = (ratio: (round: { bare: Seen; ours: Seen }) => number) =>
    rounds.toSorted((a, b) => ratio(a) - ratio(b))[ROUNDS >> 1] as (typeof rounds)[number];
  const perSecond = middle(({ bare, ours }) => ours.deliveriesPerSecond / bare.deliveriesPerSecond);
  const perCpu = middle(({ bare, ours }) => ours.deliveriesPerCpuSecond / bare.deliveriesPerCpuSecond);
  const shown = middle(({ ours }) => shownAfterMs(ours)).ours;
  const what = `to ${SOCKETS} sockets of a project with ${Math.round(shown.answers.length / SECONDS)} votes/s`;
  return [
    {
      name: `deliveries/s ${what} ÷ bare Socket.IO broadcast as often`,
      ours: perSecond.ours.deliveriesPerSecond,
      baseline: perSecond.bare.deliveriesPerSecond,
      aim: "≥ 0.7",
    },
    {
      name: "deliveries per second of the server's processor ÷ bare Socket.IO broadcast",
      ours: perCpu.ours.deliveriesPerCpuSecond,
      baseline: perCpu.bare.deliveriesPerCpuSecond,
      aim: "≥ 0.7",
    },
    {
      name: "most messages to one of these sockets within any second",
      ours: Math.max(...rounds.map(({ ours }) => ours.report.mostWithinASecond)),
      aim: "≤ 20",
    },
    {
      name: "from a vote's answer to every one of these sockets showing it, p95, ms",
      ours: shownAfterMs(shown),
      aim: "",
    },
  ];
}

/** Of all votes and sampled sockets: 95 % were shown so soon after their answer. What is shown before it counts as 0. */
function shownAfterMs({ report, answers }: Seen): number {
  const byVersion = answers.toSorted((a, b) => a.version - b.version);
  const waits = report.samples.flatMap(({ versions, atMs }) => {
    let message = 0;
    return byVersion.map((answer) => {
      while (message < versions.length - 1 && (versions[message] as number) < answer.version) message++;
      return Math.max(0, (atMs[message] as number) - answer.atMs);
    });
  });
  waits.sort((a, b) => a - b);
  return waits[Math.floor(waits.length * 0.95)] ?? Number.NaN;
}
