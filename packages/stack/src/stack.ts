/**
 * `pnpm start`: databases, migration, services, and whoever dies is started again. In this order up, in reverse down.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runCommand } from "./commands.js";
import { Guard } from "./guard.js";
import { StackError, type StackLog } from "./log.js";
import { assertPortsFree } from "./ports.js";
import { endLeftovers, isRunning } from "./running-processes.js";
import { ServiceLog } from "./service-log.js";
import { type Ports, REPOSITORY, readPorts, SERVICES, serviceEnv } from "./services.js";
import { type RunningServers, startServers } from "./start-servers.js";
import { SupervisedProcess } from "./supervised-process.js";

export interface StackOptions {
  dataDir: string;
  env: NodeJS.ProcessEnv;
  log: StackLog;
  /** Shown to the person at the terminal. */
  show: (line: string) => void;
}

export interface RunningStack {
  ports: Ports;
  servers: RunningServers;
  stop(): Promise<void>;
}

const PREPARE_TIMEOUT_MS = 120_000;
const READY_WITHIN_MS = 90_000;
const PROBE_MS = 100;
/** Part of this process's own command line. */
const OWN_MARKER = "stack/dist/main.js";

const pidFile = (dataDir: string) => join(dataDir, "votesync.pid");

/** @throws {StackError}; then nothing is left running */
export async function startStack(o: StackOptions): Promise<RunningStack> {
  const ports = readPorts(o.env);
  await claimDataDir(o.dataDir);
  const undo: (() => Promise<void>)[] = [() => rm(pidFile(o.dataDir), { force: true })];
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= (async () => {
      for (const step of [...undo].reverse()) await step();
    })();
    return stopping;
  };
  try {
    await endLeftovers(o.dataDir, o.log);
    await assertPortsFree(neededPorts(ports, o.env));
    const guard = new Guard();
    guard.start();
    undo.push(async () => guard.close());
    const servers = await startServers({ ...o, guard, restart: true, ports: storePorts(ports) });
    undo.push(() => servers.stop());
    const env = serviceEnv(o.env, ports, servers.env);
    await prepareDatabase(env, o.show);
    await startServices(o, guard, env, undo);
    await untilUsable(ports.VOTE_API_PORT);
    return { ports, servers, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const storePorts = (ports: Ports) => ({
  redis: ports.REDIS_PORT,
  postgres: ports.POSTGRES_PORT,
  mongo: ports.MONGO_PORT,
});

/** One stack per data folder. */
async function claimDataDir(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const pid = Number(await readFile(pidFile(dataDir), "utf8").catch(() => "0"));
  if (pid > 0 && pid !== process.pid && (await isRunning({ pid, marker: OWN_MARKER }))) {
    throw new StackError(
      `votesync already runs on ${dataDir} (pid ${pid}). End it first (kill ${pid}), ` +
        "or run a second one beside it: DATA_DIR=.data2 PORT_OFFSET=100 npx -y pnpm@12 start",
    );
  }
  await writeFile(pidFile(dataDir), String(process.pid));
}

function neededPorts(ports: Ports, env: NodeJS.ProcessEnv): Parameters<typeof assertPortsFree>[0] {
  const isGiven = (...variables: string[]) => variables.some((variable) => (env[variable] ?? "") !== "");
  const stores = [
    ...(isGiven("REDIS_URL", "REDIS_CLUSTER") ? [] : [{ name: "Redis", variable: "REDIS_PORT" as const }]),
    ...(isGiven("DATABASE_URL") ? [] : [{ name: "PostgreSQL", variable: "POSTGRES_PORT" as const }]),
    ...(isGiven("MONGO_URL") ? [] : [{ name: "MongoDB", variable: "MONGO_PORT" as const }]),
  ];
  const services = SERVICES.map(({ name, portVariable }) => ({ name, variable: portVariable }));
  return [...services, ...stores].map(({ name, variable }) => ({ name, variable, port: ports[variable] }));
}

/** The same commands an operator runs: `votesync migrate`, then a demo for an empty database. */
async function prepareDatabase(env: NodeJS.ProcessEnv, show: (line: string) => void): Promise<void> {
  for (const command of ["migrate", "seed"]) {
    const args = [join(REPOSITORY, "packages/cli/dist/main.js"), command];
    const said = await runCommand(process.execPath, args, { timeoutMs: PREPARE_TIMEOUT_MS, env }).catch(
      (error: Error) => {
        throw new StackError(`"votesync ${command}" failed: ${error.message}`);
      },
    );
    if (said.trim() !== "") show(said.trim());
  }
}

/** All at once; each is stopped by its own step of `undo`, vote-api first. */
async function startServices(
  o: StackOptions,
  guard: Guard,
  env: NodeJS.ProcessEnv,
  undo: (() => Promise<void>)[],
): Promise<void> {
  const services = SERVICES.map(({ name, portVariable }) => {
    const script = join(REPOSITORY, "apps", name, "dist/main.js");
    const serviceLog = new ServiceLog(name, o.dataDir, o.show);
    const program = {
      name,
      command: process.execPath,
      args: [script],
      env,
      marker: script,
      probe: () => probeAlive(Number(env[portVariable])),
    };
    const onLine = (line: string) => serviceLog.write(line);
    return new SupervisedProcess(program, { dataDir: o.dataDir, log: o.log, restart: true, guard, onLine });
  });
  undo.push(async () => void (await Promise.all(services.map((service) => service.stop()))));
  await Promise.all(services.map((service) => service.start()));
}

async function probeAlive(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1_000) });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`/healthz answers ${response.status}`);
}

interface Statusz {
  checks?: Record<string, { status: string; error?: string }>;
}

async function untilUsable(port: number): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  let last = "no answer";
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/statusz`, { signal: AbortSignal.timeout(2_000) });
      if (response.ok) return;
      last = missing((await response.json()) as Statusz);
    } catch (error) {
      last = (error as Error).message;
    }
    await delay(PROBE_MS);
  }
  throw new StackError(`not everything became usable within ${READY_WITHIN_MS / 1_000} s: ${last}`);
}

function missing({ checks = {} }: Statusz): string {
  const down = Object.entries(checks).filter(([, { status }]) => status !== "up");
  return down.map(([name, { error }]) => `${name} (${error ?? "down"})`).join(", ");
}
