import { connectMongo, LaunchArchive, mongoConfigShape } from "@votesync/mongo-store";
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
import { isDone, isNotDone, untilReady } from "./open-stores.js";
import { withSettingsInForce } from "./settings-env.js";
import { stderrLog } from "./stderr-log.js";

const configSchema = z.object({
  ...postgresConfigShape,
  VOTE_SHARDS: redisConfigShape.VOTE_SHARDS,
  MONGO_URL: mongoConfigShape.MONGO_URL.optional(),
});

/** `migrate`: brings the databases to this release. Safe to run at any time, and by several at once. */
export function migrateCommand(): Command {
  return new Command("migrate").description("bring the databases to this release").action(async () => {
    const config = parseConfig(configSchema, process.env);
    const applied = await migrate(config.DATABASE_URL);
    const postgres = connectPostgres({ url: config.DATABASE_URL, name: "votesync migrate", log: stderrLog });
    try {
      const env = await withSettingsInForce(postgres.pool, process.env, ["VOTE_SHARDS"]);
      await ensureShards(postgres.pool, parseConfig(configSchema, env).VOTE_SHARDS);
      await ensureEventPartitions(postgres.pool, new Date());
    } finally {
      await postgres.close();
    }
    if (config.MONGO_URL !== undefined) await makeIndexes(config.MONGO_URL);
    process.stdout.write(applied.length === 0 ? "nothing to migrate\n" : `applied ${applied.join(", ")}\n`);
  });
}

/** MongoDB needs nothing else, and works without them: nobody has to wait for it before votes can be taken. */
async function makeIndexes(url: string): Promise<void> {
  const mongo = connectMongo({ url, log: stderrLog });
  try {
    await untilReady(() => mongo.ping().then(isDone, isNotDone));
    await new LaunchArchive(mongo.connection).ensureIndexes();
  } catch (error) {
    stderrLog.warn(
      { err: String(error) },
      "MongoDB's indexes were not made: launch days are slow until migrated again",
    );
  } finally {
    await mongo.close();
  }
}
