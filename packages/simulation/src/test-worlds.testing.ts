/** Stores of simulations for one test file: databases of its own, and a Redis that is not as careful as the shared one. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, type TestDatabase } from "@votesync/testkit";
import { startThrowAwayRedis } from "./servers.js";
import { TwoStores } from "./two-stores.js";

export class TestWorlds {
  private constructor(
    readonly all: TwoStores[],
    private readonly databases: TestDatabase[],
    private readonly redis: Awaited<ReturnType<typeof startThrowAwayRedis>>,
    private readonly dataDir: string,
  ) {}

  /** @param count so many histories may go on at once, each on stores of its own */
  static async create(count: number): Promise<TestWorlds> {
    const dataDir = await mkdtemp(join(tmpdir(), "votesync-simulation-"));
    const redis = await startThrowAwayRedis(dataDir);
    const databases: TestDatabase[] = [];
    const all: TwoStores[] = [];
    for (let i = 0; i < count; i++) {
      const database = await createTestDatabase();
      databases.push(database);
      all.push(await TwoStores.connect({ redisUrl: redis.url, redisDatabase: 2 * i, databaseUrl: database.url }));
    }
    return new TestWorlds(all, databases, redis, dataDir);
  }

  async remove(): Promise<void> {
    for (const stores of this.all) await stores.close();
    for (const database of this.databases) await database.drop();
    await this.redis.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
