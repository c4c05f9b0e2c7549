import { join } from "node:path";
import { assertPortFree } from "./free-port.js";
import { OwnedProcess, type RunAs } from "./owned-process.js";
import { endOrphan } from "./process-record.js";
import { type ServerProcess, type ServerSetup, serverEnv } from "./server-setup.js";
import { waitUntil } from "./wait-until.js";

/** Reading back a large append-only file or a long WAL takes its time. */
const READY_DEADLINE_MS = 120_000;
const STOP_DEADLINE_MS = 10_000;

/** A server that ended before it was ready. */
export class ServerEndedEarlyError extends Error {
  override readonly name = "ServerEndedEarlyError";
  constructor(name: string, how: string, logPath: string, output: string) {
    super(`${name} ended before it was ready (${how}), see ${logPath}\n${output}`.trim());
  }
}

export interface ServerCommand {
  name: string;
  url: string;
  portVariable: string;
  command: string[];
  env?: NodeJS.ProcessEnv;
  cwd: string;
  runAs?: RunAs | undefined;
  stopSignal: NodeJS.Signals;
  /** Throws while the server is not ready. */
  assertReady(): Promise<void>;
}

/**
 * Starts one server and waits until it answers. What an earlier run left behind is ended first.
 * @throws {PortTakenError | DataFolderInUseError | ServerEndedEarlyError} and leaves nothing running then
 */
export async function startServer(
  setup: ServerSetup,
  server: ServerCommand,
  signal?: AbortSignal,
): Promise<ServerProcess> {
  const { name, url } = server;
  await endOrphan({ dataDir: setup.dataDir, name, log: setup.log });
  await assertPortFree(setup.port, name, server.portVariable);
  const child = await OwnedProcess.spawn({
    name,
    dataDir: setup.dataDir,
    command: server.command,
    env: { ...serverEnv(setup.env), ...server.env },
    cwd: server.cwd,
    runAs: server.runAs,
    stopSignal: server.stopSignal,
    stopDeadlineMs: STOP_DEADLINE_MS,
    logPath: join(setup.dataDir, "logs", `${name}.log`),
  });
  try {
    await untilReady(child, server, signal);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return {
    name,
    url,
    pid: child.pid,
    exited: child.exited,
    stop: () => child.stop(),
    kill9: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function untilReady(child: OwnedProcess, server: ServerCommand, signal: AbortSignal | undefined): Promise<void> {
  const ready = async () => {
    if (child.hasEnded) return "ended";
    await server.assertReady();
    return child.hasEnded ? "ended" : "ready";
  };
  const outcome = await waitUntil(`${server.name} to answer`, ready, { deadlineMs: READY_DEADLINE_MS, signal });
  if (outcome === "ready") return;
  throw new ServerEndedEarlyError(server.name, await child.exited, child.o.logPath, await child.lastOutput());
}
