/**
 * Redis for one machine. Its append-only file is synced before every answer: that is what "accepted" promises.
 */
import { mkdir } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { canRun, findCommand, runCommand } from "./commands.js";
import { StackError, type StackLog } from "./log.js";
import { SupervisedProcess, type SupervisedProcessOptions } from "./supervised-process.js";

export interface LocalServer {
  process: SupervisedProcess;
  url: string;
  /** What runs, in words. */
  description: string;
}

export interface LocalServerOptions extends SupervisedProcessOptions {
  port: number;
}

const INSTALL_TIMEOUT_MS = 300_000;
const PROBE_TIMEOUT_MS = 1_000;

/** How each package manager installs Redis; the first that is there is asked. */
const PACKAGE_MANAGERS: { command: string; steps: string[][] }[] = [
  {
    command: "apt-get",
    steps: [
      ["update", "-qq"],
      ["install", "-y", "-qq", "redis-server"],
    ],
  },
  { command: "dnf", steps: [["install", "-y", "redis"]] },
  { command: "apk", steps: [["add", "redis"]] },
  { command: "brew", steps: [["install", "redis"]] },
];

/** @throws {StackError} when there is none and none can be had */
export async function startRedisServer(o: LocalServerOptions): Promise<LocalServer> {
  const command = (await findCommand("redis-server", "valkey-server")) ?? (await installRedis(o.log));
  const dir = join(o.dataDir, "redis");
  await mkdir(dir, { recursive: true });
  const process = new SupervisedProcess(
    {
      name: "redis",
      command,
      args: redisArguments(o.port, dir),
      // The title Redis gives itself; its arguments are gone from the command line.
      marker: `:${o.port}`,
      probe: () => probeRedis(o.port),
    },
    o,
  );
  await process.start();
  return { process, url: `redis://127.0.0.1:${o.port}`, description: `Redis (${command})` };
}

function redisArguments(port: number, dir: string): string[] {
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir,
    appendonly: "yes",
    appendfsync: "always",
    save: "",
    "maxmemory-policy": "noeviction",
  };
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Answers PONG: not while it still loads its file. */
function probeRedis(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.setTimeout(PROBE_TIMEOUT_MS, () => socket.destroy(new Error("no answer")));
    socket.once("data", (reply) => {
      socket.destroy();
      if (reply.toString().startsWith("+PONG")) resolve();
      else reject(new Error(reply.toString()));
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed")));
  });
}

async function installRedis(log: StackLog): Promise<string> {
  const tried = ["redis-server and valkey-server are not on the PATH"];
  const sudo = await rootPrefix();
  for (const { command, steps } of PACKAGE_MANAGERS) {
    if ((await findCommand(command)) === null) continue;
    if (sudo === null && command !== "brew") {
      tried.push(`${command}: we are not root, and sudo asks for a password`);
      continue;
    }
    log.info({}, `installing Redis with ${command}, once`);
    const [first = command, ...rest] = command === "brew" ? [command] : [...(sudo ?? []), command];
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    try {
      for (const step of steps) await runCommand(first, [...rest, ...step], { timeoutMs: INSTALL_TIMEOUT_MS, env });
    } catch (error) {
      tried.push(`${command}: ${(error as Error).message.split("\n")[0]}`);
    }
    const installed = await findCommand("redis-server", "valkey-server");
    if (installed !== null) return installed;
  }
  throw new StackError(
    `there is no Redis. Tried:\n  ${tried.join("\n  ")}\n` +
      "Install it (Debian: sudo apt-get install redis-server; macOS: brew install redis), or set REDIS_URL.",
  );
}

/** What must stand before a command to run it as root; `null` when that cannot be had without asking. */
async function rootPrefix(): Promise<string[] | null> {
  if (process.getuid?.() === 0) return [];
  return (await canRun("sudo", ["-n", "true"])) ? ["sudo", "-n"] : null;
}
