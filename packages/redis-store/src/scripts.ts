/**
 * The Lua scripts, known to every connection from its start. ioredis sends a script's text once per connection and its
 * hash from then on, also within a pipeline, and sends the text again when the server forgot it.
 *
 * Defining one later, when it is first used, breaks: a pipeline that was opened before does not know it, and its other
 * commands get each other's replies.
 */
import { readFileSync } from "node:fs";
import type { RedisClient } from "./connection.js";

/**
 * Each script's number of keys is fixed: with a number per call, ioredis would take that number for the first key and
 * send pipelines to the wrong node of a cluster.
 */
export const SCRIPTS = {
  "append-persisted": script("append-persisted", 2),
  "cast-vote": script("cast-vote", 7),
  "continue-stream": script("continue-stream", 1),
  "drop-checked": script("drop-checked", 1),
  "evict-project": script("evict-project", 4),
  "hold-project": script("hold-project", 2),
  "load-project": script("load-project", 5),
};
export type ScriptName = keyof typeof SCRIPTS;

function script(name: string, numberOfKeys: number): { lua: string; numberOfKeys: number } {
  // From dist/ and from src/ alike: the Lua files are read where they are written.
  return { lua: readFileSync(new URL(`../src/${name}.lua`, import.meta.url), "utf8"), numberOfKeys };
}

type ScriptMethods = Record<ScriptName, (...keysAndArguments: (string | number)[]) => Promise<unknown>>;

export function callScript(
  client: RedisClient,
  name: ScriptName,
  keys: string[],
  args: (string | number)[],
): Promise<unknown> {
  return (client as unknown as ScriptMethods)[name](...keys, ...args);
}
