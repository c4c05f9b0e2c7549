import { ProjectLoader, type Stores } from "@votesync/reconcile";
import { findLoadedProjects } from "@votesync/redis-store";
import { Command, InvalidArgumentError } from "commander";
import { redisReady, withStores } from "./open-stores.js";
import { projectId, withJson } from "./options.js";
import { createProgress } from "./progress.js";

const AT_ONCE = 8;

interface Options {
  json: boolean;
  project?: string[];
  shard?: number;
}

/** `votes rebuild-cache`: Redis reads projects anew from PostgreSQL, while votes go on. */
export function rebuildCacheCommand(): Command {
  return withJson(new Command("rebuild-cache"))
    .description("make Redis read its projects anew from PostgreSQL, online")
    .option("--project <id>", "only this one; may be given again", projectId)
    .option("--shard <n>", "only this shard", shardNumber)
    .action(async (o: Options) => {
      const rebuilt = await withStores("votesync rebuild-cache", async (stores) => {
        await redisReady(stores);
        return rebuild(stores, o.project ?? (await loadedProjects(stores, o.shard)));
      });
      process.stdout.write(o.json ? `${JSON.stringify({ rebuilt })}\n` : `${rebuilt} projects read anew\n`);
    });
}

async function loadedProjects({ redis, names }: Stores, shard: number | undefined): Promise<string[]> {
  if (shard !== undefined && shard >= names.shards) throw new Error(`there are only ${names.shards} shards`);
  const shards = shard === undefined ? names.allShards() : [shard];
  return (await Promise.all(shards.map((one) => findLoadedProjects(redis, names, one)))).flat();
}

async function rebuild(stores: Stores, projectIds: string[]): Promise<number> {
  const loader = new ProjectLoader(stores);
  const progress = createProgress("projects read anew");
  let rebuilt = 0;
  try {
    for (let from = 0; from < projectIds.length; from += AT_ONCE) {
      const batch = projectIds.slice(from, from + AT_ONCE);
      const loaded = await Promise.all(batch.map((id) => loader.reload(id, "rebuilt")));
      rebuilt += loaded.filter(Boolean).length;
      progress.at(from + batch.length, projectIds.length);
    }
  } finally {
    progress.end();
  }
  return rebuilt;
}

function shardNumber(value: string): number {
  if (!/^\d{1,4}$/.test(value)) throw new InvalidArgumentError("A shard's number.");
  return Number(value);
}
