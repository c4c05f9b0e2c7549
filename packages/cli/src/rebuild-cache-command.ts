import { ProjectLoader, type Stores } from "@votesync/reconcile";
import { countLoadedProjects, scanLoadedProjects } from "@votesync/redis-store";
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
        if (o.project !== undefined) return rebuild(stores, [o.project], o.project.length);
        const shards = shardsOf(stores, o.shard);
        const counts = await Promise.all(shards.map((shard) => countLoadedProjects(stores.redis, stores.names, shard)));
        const total = counts.reduce((sum, count) => sum + count, 0);
        return rebuild(stores, loadedProjects(stores, shards), total);
      });
      process.stdout.write(o.json ? `${JSON.stringify({ rebuilt })}\n` : `${rebuilt} projects read anew\n`);
    });
}

function shardsOf({ names }: Stores, shard: number | undefined): number[] {
  if (shard === undefined) return names.allShards();
  if (shard >= names.shards) throw new Error(`there are only ${names.shards} shards`);
  return [shard];
}

/** In pages: there may be more of them than fit into memory. */
async function* loadedProjects({ redis, names }: Stores, shards: number[]): AsyncGenerator<string[]> {
  for (const shard of shards) yield* scanLoadedProjects(redis, names, shard);
}

async function rebuild(
  stores: Stores,
  pages: AsyncIterable<string[]> | Iterable<string[]>,
  total: number,
): Promise<number> {
  const loader = new ProjectLoader(stores);
  const progress = createProgress("projects read anew");
  let rebuilt = 0;
  let done = 0;
  try {
    for await (const page of pages) {
      for (let from = 0; from < page.length; from += AT_ONCE) {
        const batch = page.slice(from, from + AT_ONCE);
        const loaded = await Promise.all(batch.map((id) => loader.reload(id, "rebuilt")));
        rebuilt += loaded.filter(Boolean).length;
        done += batch.length;
        progress.at(done, total);
      }
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
