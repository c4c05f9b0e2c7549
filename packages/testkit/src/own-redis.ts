/** A Redis of one test's own, to be killed, frozen, wiped, put back and copied by a replica. */
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startRedisServer } from "@votesync/local-stack";
import { Redis } from "ioredis";
import { waitFor } from "./wait-for.js";

type RedisServer = Awaited<ReturnType<typeof startRedisServer>>;

const SILENT = { info: () => undefined, warn: () => undefined };

export class OwnRedis {
  private constructor(
    private readonly port: number,
    private readonly dataDir: string,
    private server: RedisServer,
  ) {}

  static async start(): Promise<OwnRedis> {
    const dataDir = await mkdtemp(join(tmpdir(), "votesync-redis-"));
    const port = await freePort();
    return new OwnRedis(port, dataDir, await startRedisServer({ port, dataDir, log: SILENT }));
  }

  get url(): string {
    return this.server.url;
  }

  get pid(): number {
    return this.server.pid;
  }

  /** Copies another server from now on, which must be reachable at `master`; resolves once it has all of its data on its disk. */
  async replicate(master: string): Promise<void> {
    const { hostname, port } = new URL(master);
    await this.ask(async (client) => {
      await client.replicaof(hostname, Number(port));
      await waitFor("the replica to be in step", async () => {
        const info = await client.info("replication", "persistence");
        return info.includes("master_link_status:up") && info.includes("aof_rewrite_in_progress:0");
      });
    });
  }

  /** The replica is a master from now on. */
  async promote(): Promise<void> {
    await this.ask((client) => client.replicaof("NO", "ONE"));
  }

  private async ask<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.url, { commandTimeout: 5_000 });
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  }

  kill9(): Promise<void> {
    return this.server.kill9();
  }

  /** On the same port, with the same data. */
  async restart(): Promise<void> {
    this.server = await startRedisServer({ port: this.port, dataDir: this.dataDir, log: SILENT });
  }

  /** Its disk is lost; only while it is down. */
  async wipe(): Promise<void> {
    await rm(this.dataDir, { recursive: true });
    await mkdir(this.dataDir);
  }

  /** Copies its disk, while it is down; `restoreCopy` brings that state back later. */
  async copy(): Promise<void> {
    await rm(this.copyDir, { recursive: true, force: true });
    await cp(this.dataDir, this.copyDir, { recursive: true });
  }

  /** Its disk is that of an earlier day; only while it is down. */
  async restoreCopy(): Promise<void> {
    await rm(this.dataDir, { recursive: true });
    await cp(this.copyDir, this.dataDir, { recursive: true });
  }

  private get copyDir(): string {
    return `${this.dataDir}-copy`;
  }

  /** Alive and silent, as a machine that swaps. */
  freeze(): void {
    process.kill(this.pid, "SIGSTOP");
  }

  thaw(): void {
    process.kill(this.pid, "SIGCONT");
  }

  async remove(): Promise<void> {
    await this.kill9();
    for (const folder of [this.dataDir, this.copyDir]) await rm(folder, { recursive: true, force: true });
  }
}
