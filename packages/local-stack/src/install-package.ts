/**
 * Installs a program with the machine's own package manager, where this user may: as root, or with sudo that asks for no
 * password. Says what it is about to do first.
 */
import { join } from "node:path";
import { withFileLock } from "./exclusive-file.js";
import { findOnPath } from "./find-on-path.js";
import { CommandFailedError, runCommand } from "./run-command.js";
import { cacheFolder, installerEnv, type ServerSetup } from "./server-setup.js";

type Command = string[];

/** Where to look, what to tell, and where logs go. */
export type InstallSetup = Pick<ServerSetup, "dataDir" | "log" | "env" | "signal">;

interface PackageManager {
  program: string;
  needsRoot: boolean;
  /** Tried in this order until one succeeds. */
  attempts: Command[][];
}

/** A program, by the names the package managers know it under; the first that can be installed is taken. */
export interface SystemPackage {
  /** In a person's words. */
  what: string;
  aptGet: string;
  dnf: string[];
  apk: string[];
  brew: string[];
  /** Of Debian, started together with the package and not wanted. */
  debianService?: string;
}

function packageManagers({ aptGet, dnf, apk, brew }: SystemPackage): PackageManager[] {
  const options = ["-o", "DPkg::Lock::Timeout=120"];
  const aptInstall: Command = ["apt-get", ...options, "install", "-y", "--no-install-recommends", aptGet];
  return [
    // The package lists of a fresh container are empty: the second attempt fetches them.
    { program: "apt-get", needsRoot: true, attempts: [[aptInstall], [["apt-get", "update"], aptInstall]] },
    { program: "dnf", needsRoot: true, attempts: dnf.map((name) => [["dnf", "install", "-y", name]]) },
    { program: "apk", needsRoot: true, attempts: apk.map((name) => [["apk", "add", name]]) },
    { program: "brew", needsRoot: false, attempts: brew.map((name) => [["brew", "install", name]]) },
  ];
}

const COMMAND_DEADLINE_MS = 300_000;
const LOCK_DEADLINE_MS = 600_000;

/** @returns what was tried and how it went, in a person's words; the caller looks for the program again */
export async function installSystemPackage(setup: InstallSetup, wanted: SystemPackage): Promise<string> {
  const env = setup.env ?? process.env;
  const manager = await firstOnPath(packageManagers(wanted), env);
  if (manager === null) return "no package manager known here (apt-get, dnf, apk, brew)";
  const prefix = manager.needsRoot ? await rootPrefix(setup) : [];
  if (prefix === null) return `${manager.program} needs root, or sudo without a password`;
  const lock = join(await cacheFolder(setup.env), "install-package.lock");
  return withFileLock(lock, { deadlineMs: LOCK_DEADLINE_MS, signal: setup.signal }, () =>
    tryAttempts(setup, wanted, manager, prefix),
  );
}

async function firstOnPath(managers: PackageManager[], env: NodeJS.ProcessEnv): Promise<PackageManager | null> {
  for (const manager of managers) {
    if ((await findOnPath([manager.program], env)) !== null) return manager;
  }
  return null;
}

async function rootPrefix(setup: InstallSetup): Promise<string[] | null> {
  if (process.getuid?.() === 0) return [];
  try {
    await run(setup, ["sudo", "-n", "true"]);
    return ["sudo", "-n"];
  } catch {
    return null;
  }
}

async function tryAttempts(
  setup: InstallSetup,
  wanted: SystemPackage,
  manager: PackageManager,
  prefix: string[],
): Promise<string> {
  let outcome = "";
  for (const commands of manager.attempts) {
    try {
      for (const command of commands) {
        const whole = [...prefix, ...command];
        setup.log.warn({}, `${wanted.what} is not installed here; installing it: ${whole.join(" ")}`);
        await run(setup, whole);
      }
      if (manager.program === "apt-get") await stopPackageService(setup, wanted, prefix);
      return `"${manager.program}" installed a package, but ${wanted.what} did not come onto PATH`;
    } catch (error) {
      if (!(error instanceof CommandFailedError)) throw error;
      outcome = error.message;
    }
  }
  return outcome;
}

/** Debian starts a service with the package. Nobody asked for that one: ours has its own port and data. */
async function stopPackageService(setup: InstallSetup, wanted: SystemPackage, prefix: string[]): Promise<void> {
  if (wanted.debianService === undefined) return;
  await run(setup, [...prefix, "service", wanted.debianService, "stop"]).catch(() => undefined);
}

function run(setup: InstallSetup, command: Command): Promise<string> {
  return runCommand({
    what: "install-package",
    dataDir: setup.dataDir,
    command,
    env: { ...installerEnv(setup.env), DEBIAN_FRONTEND: "noninteractive" },
    logPath: join(setup.dataDir, "logs", "install.log"),
    deadlineMs: COMMAND_DEADLINE_MS,
    signal: setup.signal,
  });
}
