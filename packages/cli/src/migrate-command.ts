import {
  connectPostgres,
  ensureEventPartitions,
  ensureShards,
  migrate,
  postgresConfigShape,
} from "@votesync/postgres-store";
import { redisConfigShape } from "@votesync/redis-store";
import { parseConfig } from "@votesync/service-kit";
import { Command } from "commander";
import { z } from "zod";
import { stderrLog } from "./stderr-log.js";

const configSchema = z.object({ ...postgresConfigShape, VOTE_SHARDS: redisConfigShape.VOTE_SHARDS });

/** `migrate`: brings the database to this release. Safe to run at any time, and by several at once. */
export function migrateCommand(): Command {
  return new Command("migrate").description("bring the database to this release").action(async () => {
    const config = parseConfig(configSchema, process.env);
    const applied = await migrate(config.DATABASE_URL);
    const postgres = connectPostgres({ url: config.DATABASE_URL, name: "votesync migrate", log: stderrLog });
    try {
      await ensureShards(postgres.pool, config.VOTE_SHARDS);
      await ensureEventPartitions(postgres.pool, new Date());
    } finally {
      await postgres.close();
    }
    process.stdout.write(applied.length === 0 ? "nothing to migrate\n" : `applied ${applied.join(", ")}\n`);
  });
}
