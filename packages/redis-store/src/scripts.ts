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
  "add-points": script("add-points", 5),
  "cast-vote": script("cast-vote", 8),
  "close-period": script("close-period", 3),
  "continue-stream": script("continue-stream", 1),
  "drop-checked": script("drop-checked", 1),
  "evict-project": script("evict-project", 5),
  "finish-reload": script("finish-reload", 4),
  "hold-damaged": script("hold-damaged", 4),
  "hold-projects": script("hold-projects", 3),
  "load-jam": script("load-jam", 1),
  "load-project": script("load-project", 7),
  "mark-applied": script("mark-applied", 1),
  "put-stream": script("put-stream", 2),
  "read-jam": script("read-jam", 1),
  "restore-boards": script("restore-boards", 6),
  "take-dirty": script("take-dirty", 2),
  "take-reloads": script("take-reloads", 1),
  "withdraw-vote": script("withdraw-vote", 5),
};
export type ScriptName = keyof typeof SCRIPTS;

function script(name: string, numberOfKeys: number): { lua: string; numberOfKeys: number } {
  // What several scripts do in the same way is a file of its own: Redis knows no libraries within a script.
  const lua = readLua(name).replace(/^--- include ([\w-]+)$/gm, (_line, part: string) => readLua(part));
  return { lua, numberOfKeys };
}

/** From dist/ and from src/ alike: the Lua files are read where they are written. */
function readLua(name: string): string {
  return readFileSync(new URL(`../src/${name}.lua`, import.meta.url), "utf8");
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
