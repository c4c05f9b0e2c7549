/**
 * Everything of `pnpm start`, in order: claim the data folder, end what an earlier run left behind, look at the ports,
 * start the servers, migrate and seed, start the services, wait until all of it is ready. Servers and services are kept
 * alive from their first start on. Stopping goes the other way round: services first, so that the databases outlive
 * the last write.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { claimDataFolder } from "./claim-data-folder.js";
import { assertPortFree } from "./free-port.js";
import { KeptAlive } from "./keep-alive.js";
import { endOrphan } from "./process-record.js";
import { runCommand } from "./run-command.js";
import type { ServiceSpec, StackPlan } from "./services.js";
import { type StackConfig, serviceEnv } from "./stack-config.js";
import { type FoundStore, findStores, STORES } from "./start-servers.js";
import { startService } from "./start-service.js";
import type { Terminal } from "./terminal.js";
import { waitForStack } from "./wait-for-stack.js";

const SET_UP_DEADLINE_MS = 120_000;
const READY_DEADLINE_MS = 120_000;
const OWNER_ONLY = 0o600;

export interface StackOptions {
  config: StackConfig;
  plan: StackPlan;
  terminal: Terminal;
  /** Aborted: the start ends where it is, everything begun is undone. */
  signal?: AbortSignal;
}

export interface RunningServer {
  /** Somebody else runs it, so its address may hold somebody's password. */
  isGiven: boolean;
  description: string;
  variable: string;
  url: string;
}

export interface Stack {
  servers: RunningServer[];
  stop(): Promise<void>;
}

/** @throws what went wrong, with nothing left running */
export async function startStack(o: StackOptions): Promise<Stack> {
  const undo: (() => Promise<void>)[] = [];
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= runInReverse(undo);
    return stopping;
  };
  try {
    const servers = await bringUp(o, undo);
    return { servers, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUp(o: StackOptions, undo: (() => Promise<void>)[]): Promise<RunningServer[]> {
  const { config, plan, terminal } = o;
  const claim = await claimDataFolder(config.dataDir);
  undo.push(claim.release);
  await endOrphans(o);
  await Promise.all(plan.services.map((spec) => assertPortFree(portOf(o, spec), spec.name, spec.portVariable)));

  const { dataDir, env: callerEnv, serverPorts: ports } = config;
  const { stores: need } = plan;
  const found = await findStores({ dataDir, ports, need, env: callerEnv, log: terminal.log, signal: o.signal });
  const servers = await startFound(o, found, undo);
  const env = serviceEnv(config, plan, Object.fromEntries(servers.map(({ variable, url }) => [variable, url])));
  undo.push(await writeEnvFile(config.dataDir, servers));
  for (const { name, args } of plan.setUp) await runSetUp(o, name, args, env);

  const services = plan.services.map((spec) => keptService(o, spec, env));
  undo.push(() => stopAll(services));
  await Promise.all(services.map((service) => service.start()));
  const entry = plan.services.find(({ name }) => name === plan.entry);
  if (entry === undefined) throw new Error(`the plan has no service ${plan.entry}`);
  const url = `http://127.0.0.1:${portOf(o, entry)}/statusz`;
  await waitForStack({ url, services, deadlineMs: READY_DEADLINE_MS, signal: o.signal });
  return servers;
}

const portOf = ({ config }: StackOptions, spec: ServiceSpec) => config.servicePorts[spec.portVariable] as number;

async function endOrphans({ config, plan, terminal }: StackOptions): Promise<void> {
  const names = [...plan.services.map(({ name }) => name), ...STORES];
  await Promise.all(names.map((name) => endOrphan({ dataDir: config.dataDir, name, log: terminal.log })));
}

async function startFound(
  o: StackOptions,
  found: FoundStore[],
  undo: (() => Promise<void>)[],
): Promise<RunningServer[]> {
  const kept: KeptAlive[] = [];
  undo.push(() => stopAll(kept));
  const starting = found.map(async ({ store, variable, given, source, description }) => {
    if (source === null) return { isGiven: true, description, variable, url: given?.value ?? "" };
    let url = "";
    const launch = async (signal: AbortSignal) => {
      const server = await source.start(AbortSignal.any([signal, ...(o.signal ? [o.signal] : [])]));
      url = server.url;
      return server;
    };
    const keeper = new KeptAlive(store, launch, o.terminal.log);
    kept.push(keeper);
    await keeper.start();
    return { isGiven: false, description, variable, url };
  });
  await Promise.allSettled(starting);
  return Promise.all(starting);
}

/** The addresses of what runs, for other programs on this machine: `node --env-file=.data/votesync.env …`. */
async function writeEnvFile(dataDir: string, servers: RunningServer[]): Promise<() => Promise<void>> {
  const path = join(dataDir, "votesync.env");
  const lines = servers.map(({ variable, url }) => `${variable}=${url}\n`);
  await writeFile(path, lines.join(""), { mode: OWNER_ONLY });
  return () => rm(path, { force: true });
}

async function runSetUp(o: StackOptions, name: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  o.terminal.line(`${name} …`);
  await runCommand({
    what: name,
    dataDir: o.config.dataDir,
    command: [process.execPath, ...args],
    cwd: o.config.repoRoot,
    env,
    logPath: join(o.config.dataDir, "logs", `${name}.log`),
    deadlineMs: SET_UP_DEADLINE_MS,
    signal: o.signal,
  });
}

function keptService(o: StackOptions, spec: ServiceSpec, env: NodeJS.ProcessEnv): KeptAlive {
  const { repoRoot, dataDir } = o.config;
  const launch = () => startService({ spec, repoRoot, dataDir, env, print: o.terminal.line, log: o.terminal.log });
  return new KeptAlive(spec.name, launch, o.terminal.log);
}

async function stopAll(kept: KeptAlive[]): Promise<void> {
  await Promise.all(kept.map((one) => one.stop()));
}

async function runInReverse(steps: (() => Promise<void>)[]): Promise<void> {
  for (const step of [...steps].reverse()) await step();
}
