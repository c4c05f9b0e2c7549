/** A PostgreSQL of one test's own, to be killed and put back. Not migrated: that is the test's first step. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort, type ServerProcess, startPostgresServer } from "@votesync/local-stack";

const SILENT = { info: () => undefined, warn: () => undefined };

export class OwnPostgres {
  private constructor(
    private readonly port: number,
    private readonly dataDir: string,
    private server: ServerProcess,
  ) {}

  static async start(): Promise<OwnPostgres> {
    const dataDir = await mkdtemp(join(tmpdir(), "votesync-postgres-"));
    const port = await freePort();
    return new OwnPostgres(port, dataDir, await startPostgresServer({ port, dataDir, log: SILENT }));
  }

  get url(): string {
    return this.server.url;
  }

  kill9(): Promise<void> {
    return this.server.kill9();
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  /** On the same port, with the same data. */
  async restart(): Promise<void> {
    this.server = await startPostgresServer({ port: this.port, dataDir: this.dataDir, log: SILENT });
  }

  /** Copies its data folder, while it is down; `restoreCopy` brings that state back later. */
  async copy(): Promise<void> {
    await copyFolder(this.dataDir, this.copyDir);
  }

  /** Its data folder is that of an earlier day; only while it is down. */
  async restoreCopy(): Promise<void> {
    await copyFolder(this.copyDir, this.dataDir);
  }

  private get copyDir(): string {
    return `${this.dataDir}-copy`;
  }

  async remove(): Promise<void> {
    await this.server.stop();
    for (const folder of [this.dataDir, this.copyDir]) await rm(folder, { recursive: true, force: true });
  }
}

/** With owners and modes: PostgreSQL does not start on files of another user, and Node's own copy changes both. */
async function copyFolder(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await promisify(execFile)("cp", ["-a", from, to]);
}
