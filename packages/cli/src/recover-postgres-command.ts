import { type BroughtOver, RecoveryRunningError, recoverPostgresShard, type Stores } from "@votesync/reconcile";
import { Command } from "commander";
import { redisReady, withStores } from "./open-stores.js";
import { withJson } from "./options.js";

interface Options {
  json: boolean;
  dryRun: boolean;
}

/** `votes recover-postgres`: after PostgreSQL was put back to an older copy. */
export function recoverPostgresCommand(): Command {
  return withJson(new Command("recover-postgres"))
    .description("bring over what Redis has and a PostgreSQL that went back in time lost, online")
    .option("--dry-run", "say what would be brought over, and change nothing", false)
    .action(async (o: Options) => {
      const shards = await withStores("votesync recover-postgres", async (stores) => {
        await redisReady(stores);
        return recover(stores, o);
      });
      process.stdout.write(o.json ? `${JSON.stringify({ dry_run: o.dryRun, shards })}\n` : words(shards, o));
    });
}

async function recover(stores: Stores, o: Options): Promise<BroughtOver[]> {
  const reports: BroughtOver[] = [];
  for (const shard of stores.names.allShards()) {
    const report = await recoverPostgresShard(stores, shard, o).catch((error: unknown) => {
      if (error instanceof RecoveryRunningError) process.stderr.write(`shard ${shard}: a worker is at it\n`);
      else throw error;
      return null;
    });
    if (report !== null) reports.push(report);
  }
  return reports;
}

function words(shards: readonly BroughtOver[], { dryRun }: Options): string {
  if (shards.length === 0) return "PostgreSQL has all that Redis knows of it: there is nothing to bring over\n";
  return `${shards.map((shard) => line(shard, dryRun)).join("\n")}\n`;
}

function line(o: BroughtOver, dryRun: boolean): string {
  const gap = o.stream_complete ? "" : "; the stream does not reach back so far";
  const again = o.projects.length === 0 ? "" : `; projects made again: ${o.projects.slice(0, 10).join(", ")}`;
  const verb = dryRun ? "would bring" : "brought";
  return `shard ${o.shard}: ${verb} over ${o.entries} events and ${o.votes} more votes (${o.from_id} → ${o.once_applied})${gap}${again}`;
}
