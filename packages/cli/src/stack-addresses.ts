/**
 * Where a command finds the servers of the stack that `pnpm start` runs on this machine: the stack writes their addresses to a file
 * in its data folder, and removes it when it stops. An address that is given in the environment wins, each by itself.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

/** Two variables that name one server: with either of them given, the stack's server is not the one that is meant. */
const SAME_SERVER = [["REDIS_URL", "REDIS_CLUSTER"]];

export interface StackAddresses {
  /** The file they come from. */
  path: string;
  /** Variable → address, those that the environment does not give. Empty while no stack runs. */
  taken: Record<string, string>;
}

/** Adds to the environment what it does not give. */
export function useStackAddresses(env: NodeJS.ProcessEnv): StackAddresses {
  const path = join(env.DATA_DIR || join(REPOSITORY, ".data"), "votesync.env");
  const stack = existsSync(path) ? parseEnv(readFileSync(path, "utf8")) : {};
  const taken: StackAddresses["taken"] = {};
  for (const [name, address] of Object.entries(stack).toSorted()) {
    if (address !== undefined && !isGiven(name, env)) taken[name] = address;
  }
  Object.assign(env, taken);
  return { path, taken };
}

/** An empty variable counts as unset, as it does everywhere else. */
function isGiven(name: string, env: NodeJS.ProcessEnv): boolean {
  const names = SAME_SERVER.find((group) => group.includes(name)) ?? [name];
  return names.some((one) => Boolean(env[one]));
}

/** One line for whoever runs the command, without passwords. @returns `null` when nothing was taken */
export function describeStackAddresses({ path, taken }: StackAddresses): string | null {
  const servers = Object.entries(taken).map(([name, address]) => `${name}=${withoutPassword(address)}`);
  return servers.length === 0 ? null : `the servers of the running stack (${path}): ${servers.join(" ")}`;
}

/** A list of nodes is no URL, and has no password. */
function withoutPassword(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  if (url.password !== "") url.password = "***";
  return url.href;
}
