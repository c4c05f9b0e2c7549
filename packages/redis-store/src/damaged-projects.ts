/**
 * Projects whose keys hold what votesync never writes there, a text under the key of a hash say: somebody was at Redis by hand, or two
 * programs share it. Such damage is one project's: whoever reads many leaves it out, and the pass reads it anew from the rows.
 */
import type { RedisNames } from "@votesync/core";
import type { RedisClient } from "./connection.js";
import { unlessDamaged } from "./reply-errors.js";

/** Those of them whose hash, or whose current period's hash of votes, is of another type. Two round trips. */
export async function findDamagedProjects(
  client: RedisClient,
  names: RedisNames,
  projectIds: readonly string[],
): Promise<Set<string>> {
  const periods = await Promise.all(projectIds.map((id) => unlessDamaged(client.hget(names.project(id), "period"))));
  const types = await Promise.all(
    projectIds.map((id, i) => {
      const period = periods[i];
      return typeof period === "string" ? client.type(names.votes(id, Number(period))) : null;
    }),
  );
  const isSound = (i: number) => periods[i] !== undefined && [null, "none", "hash"].includes(types[i] ?? null);
  return new Set(projectIds.filter((_, i) => !isSound(i)));
}
