import { readFileSync } from "node:fs";
import type { RedisClient } from "./connection.js";

/** Runs one Lua script: the keys first, then the arguments. */
export type ScriptCall = (client: RedisClient, keys: string[], args: (string | number)[]) => Promise<unknown>;

/**
 * Makes a call out of `src/<name>.lua`. ioredis sends the text once per connection and its hash from then on, also
 * within a pipeline, and sends the text again when the server forgot it.
 *
 * The number of keys is fixed per script: with a number per call, ioredis would take that number for the first key and
 * send pipelines to the wrong node of a cluster.
 */
export function defineScript(name: string, numberOfKeys: number): ScriptCall {
  // From dist/ and from src/ alike: the Lua files are read where they are written.
  const lua = readFileSync(new URL(`../src/${name}.lua`, import.meta.url), "utf8");
  const command = `votesync-${name}`;
  return (client, keys, args) => {
    if (!(command in client)) client.defineCommand(command, { lua, numberOfKeys });
    const call = (client as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>)[command];
    if (call === undefined || keys.length !== numberOfKeys) throw new Error(`${name} takes ${numberOfKeys} keys`);
    return call.apply(client, [...keys, ...args]);
  };
}
