/**
 * `pnpm start` as a person runs it: the whole stack, everything in it killed once, and nothing left behind at the end.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { freePort } from "@votesync/local-stack";
import { waitFor } from "@votesync/testkit";
import { getJson, postJson } from "./installation.js";

const MAIN = fileURLToPath(new URL("../../local-stack/dist/main.js", import.meta.url));
const STORES = ["redis", "postgres", "mongo"];
const SERVICES = ["vote-api", "vote-worker", "sync-scheduler", "finalizer", "realtime-gateway"];
const PORT_VARIABLES = [
  "VOTE_API_PORT",
  "REALTIME_PORT",
  "VOTE_WORKER_PORT",
  "SYNC_SCHEDULER_PORT",
  "FINALIZER_PORT",
  "REDIS_PORT",
  "POSTGRES_PORT",
  "MONGO_PORT",
];

const READY = "votesync is ready";

const supervisors: ChildProcess[] = [];
let dataDir: string;
let env: Record<string, string>;
let api: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "votesync-start-"));
  env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", DATA_DIR: dataDir };
  for (const variable of PORT_VARIABLES) env[variable] = String(await freePort());
  api = `http://127.0.0.1:${env.VOTE_API_PORT}`;
});
afterAll(async () => {
  for (const supervisor of supervisors) supervisor.kill("SIGKILL");
  for (const { pid } of await runningProcesses()) process.kill(pid, "SIGKILL");
  await rm(dataDir, { recursive: true, force: true });
});

/** Runs the script until it says that it is ready. */
async function start(more: Record<string, string> = {}): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MAIN], { env: { ...env, ...more }, stdio: ["ignore", "pipe", "pipe"] });
  supervisors.push(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  await waitFor("the stack to be ready, or to give up", () => child.exitCode !== null || said.includes(READY), 120_000);
  if (child.exitCode !== null) throw new Error(`exited with ${child.exitCode}: ${said}`);
  return child;
}

/** What the stack says it runs, as far as it is alive. */
async function runningProcesses(): Promise<{ name: string; pid: number }[]> {
  const files = (await readdir(join(dataDir, "run")).catch(() => [])).filter((file) => file.endsWith(".json"));
  const found = await Promise.all(
    files.map(async (file) => {
      const record = JSON.parse(await readFile(join(dataDir, "run", file), "utf8")) as { process: { pid: number } };
      return { name: file.replace(".json", ""), pid: record.process.pid };
    }),
  );
  return found.filter(({ pid }) => isAlive(pid));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function pidOf(name: string): Promise<number> {
  return waitFor(`${name} to run`, async () => (await runningProcesses()).find((found) => found.name === name)?.pid);
}

const untilUsable = () =>
  waitFor("/statusz to answer 200", async () => (await getJson(`${api}/statusz`)).status === 200, 60_000);

async function guestToken(): Promise<string> {
  const { body } = await postJson(`${api}/api/session/guest`, "", {});
  return body.data.token;
}

async function upvotes(): Promise<number> {
  return (await getJson(`${api}/api/projects/dark-mode`)).body.upvotes;
}

test("it becomes ready, survives kill -9 of everything in it, and stops without a trace", async () => {
  const first = await start();
  expect((await getJson(`${api}/statusz`)).status).toBe(200);
  expect((await runningProcesses()).map(({ name }) => name).sort()).toEqual([...SERVICES, ...STORES].sort());

  let votes = 0;
  for (const name of [...SERVICES, ...STORES]) {
    const pid = await pidOf(name);
    process.kill(pid, "SIGKILL");
    await waitFor(`another ${name}`, async () => (await pidOf(name)) !== pid);
    await untilUsable();
    // For a moment a 503 may still come, which says: try again. However often, the vote counts once.
    const voter = await guestToken();
    const vote = { project_id: "dark-mode", vote_type: "up" };
    await waitFor("the vote to be taken", async () => (await postJson(`${api}/api/votes`, voter, vote)).status === 200);
    votes++;
    await waitFor("the vote to be shown", async () => (await upvotes()) === votes);
  }

  // The supervisor itself: everything it started goes with it.
  first.kill("SIGKILL");
  await once(first, "exit");
  await waitFor("nothing to be left running", async () => (await runningProcesses()).length === 0);

  // A second life on the same data, ended as an operator ends it.
  const second = await start();
  expect(Number(await readFile(join(dataDir, "votesync.pid"), "utf8"))).toBe(second.pid);
  expect(await upvotes()).toBe(votes);
  const left = await runningProcesses();
  second.kill("SIGTERM");
  const [code] = await once(second, "exit");
  expect(code).toBe(0);
  expect(left.filter(({ pid }) => isAlive(pid))).toEqual([]);
}, 480_000);

test("everything killed at once: the next start clears up and goes on", async () => {
  const first = await start();
  const before = await upvotes();
  const running = await runningProcesses();
  for (const pid of [first.pid as number, ...running.map(({ pid }) => pid)]) process.kill(pid, "SIGKILL");
  const second = await start();
  expect(await upvotes()).toBe(before);
  second.kill("SIGTERM");
  expect((await once(second, "exit"))[0]).toBe(0);
}, 480_000);

test("another VOTE_RATE_MAX than the one in force: it says once what to do, and starts nothing", async () => {
  const first = await start();
  first.kill("SIGTERM");
  await once(first, "exit");
  const refusal = await start({ VOTE_RATE_MAX: "9" }).catch((error: Error) => error.message);
  const sentence = "VOTE_RATE_MAX=5 is in force in this installation, and VOTE_RATE_MAX=9 was given here.";
  expect(String(refusal).split(sentence)).toHaveLength(2);
  expect(refusal).toContain('run "votesync settings set VOTE_RATE_MAX 9" while the installation runs');
  expect(await runningProcesses()).toEqual([]);
}, 480_000);
