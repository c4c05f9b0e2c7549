/**
 * Installs Redis with the machine's own package manager, where this user may: as root, or with sudo that asks for no
 * password. Says what it is about to do first.
 */
import { join } from "node:path";
import { withFileLock } from "./exclusive-file.js";
import { findOnPath } from "./find-on-path.js";
import { CommandFailedError, runCommand } from "./run-command.js";
import { cacheFolder, installerEnv, type ServerSetup } from "./server-setup.js";

type Command = string[];

interface PackageManager {
  program: string;
  needsRoot: boolean;
  /** Tried in this order until one succeeds. */
  attempts: Command[][];
}

const APT_INSTALL: Command = [
  "apt-get",
  "-o",
  "DPkg::Lock::Timeout=120",
  "install",
  "-y",
  "--no-install-recommends",
  "redis-server",
];

const PACKAGE_MANAGERS: PackageManager[] = [
  // The package lists of a fresh container are empty: the second attempt fetches them.
  { program: "apt-get", needsRoot: true, attempts: [[APT_INSTALL], [["apt-get", "update"], APT_INSTALL]] },
  {
    program: "dnf",
    needsRoot: true,
    attempts: [[["dnf", "install", "-y", "redis"]], [["dnf", "install", "-y", "valkey"]]],
  },
  { program: "apk", needsRoot: true, attempts: [[["apk", "add", "redis"]], [["apk", "add", "valkey"]]] },
  { program: "brew", needsRoot: false, attempts: [[["brew", "install", "redis"]]] },
];

const COMMAND_DEADLINE_MS = 300_000;
const LOCK_DEADLINE_MS = 600_000;

/** @returns what was tried and how it went, in a person's words; the caller looks for the program again */
export async function installRedis(setup: ServerSetup): Promise<string> {
  const env = setup.env ?? process.env;
  const manager = await firstOnPath(env);
  if (manager === null) return "no package manager known here (apt-get, dnf, apk, brew)";
  const prefix = manager.needsRoot ? await rootPrefix(setup) : [];
  if (prefix === null) return `${manager.program} needs root, or sudo without a password`;
  const lock = join(await cacheFolder(setup.env), "install-redis.lock");
  return withFileLock(lock, { deadlineMs: LOCK_DEADLINE_MS, signal: setup.signal }, () =>
    tryAttempts(setup, manager, prefix),
  );
}

async function firstOnPath(env: NodeJS.ProcessEnv): Promise<PackageManager | null> {
  for (const manager of PACKAGE_MANAGERS) {
    if ((await findOnPath([manager.program], env)) !== null) return manager;
  }
  return null;
}

async function rootPrefix(setup: ServerSetup): Promise<string[] | null> {
  if (process.getuid?.() === 0) return [];
  try {
    await run(setup, ["sudo", "-n", "true"]);
    return ["sudo", "-n"];
  } catch {
    return null;
  }
}

async function tryAttempts(setup: ServerSetup, manager: PackageManager, prefix: string[]): Promise<string> {
  let outcome = "";
  for (const commands of manager.attempts) {
    try {
      for (const command of commands) {
        const whole = [...prefix, ...command];
        setup.log.warn({}, `Redis is not installed here; installing it: ${whole.join(" ")}`);
        await run(setup, whole);
      }
      if (manager.program === "apt-get") await stopPackageService(setup, prefix);
      return `"${manager.program}" installed a package, but no redis-server came onto PATH`;
    } catch (error) {
      if (!(error instanceof CommandFailedError)) throw error;
      outcome = error.message;
    }
  }
  return outcome;
}

/** Debian starts a service with the package. Nobody asked for that one: ours has its own port and data. */
async function stopPackageService(setup: ServerSetup, prefix: string[]): Promise<void> {
  await run(setup, [...prefix, "service", "redis-server", "stop"]).catch(() => undefined);
}

function run(setup: ServerSetup, command: Command): Promise<string> {
  return runCommand({
    what: "install-redis",
    dataDir: setup.dataDir,
    command,
    env: { ...installerEnv(setup.env), DEBIAN_FRONTEND: "noninteractive" },
    logPath: join(setup.dataDir, "logs", "install.log"),
    deadlineMs: COMMAND_DEADLINE_MS,
    signal: setup.signal,
  });
}
