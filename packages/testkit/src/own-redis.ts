/** A Redis of one test's own, to be killed, frozen and wiped. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, type LocalServer, startRedisServer } from "@votesync/stack";

const SILENT = { info: () => undefined, warn: () => undefined };

export class OwnRedis {
  private constructor(
    private readonly port: number,
    private readonly dataDir: string,
    private readonly server: LocalServer,
  ) {}

  static async start(): Promise<OwnRedis> {
    const dataDir = await mkdtemp(join(tmpdir(), "votesync-redis-"));
    const port = await freePort();
    return new OwnRedis(port, dataDir, await startRedisServer({ port, dataDir, restart: false, log: SILENT }));
  }

  get url(): string {
    return this.server.url;
  }

  get pid(): number {
    const { pid } = this.server.process;
    if (pid === null) throw new Error("this Redis is not running");
    return pid;
  }

  kill9(): Promise<void> {
    return this.server.process.kill9();
  }

  /** On the same port, with the same data. */
  restart(): Promise<void> {
    return this.server.process.start();
  }

  /** Its disk is lost; only while it is down. */
  async wipe(): Promise<void> {
    await rm(join(this.dataDir, "redis"), { recursive: true });
    await mkdir(join(this.dataDir, "redis"));
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
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
