/** A PostgreSQL of one test's own, to be killed. Not migrated: that is the test's first step. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

  /** On the same port, with the same data. */
  async restart(): Promise<void> {
    this.server = await startPostgresServer({ port: this.port, dataDir: this.dataDir, log: SILENT });
  }

  async remove(): Promise<void> {
    await this.server.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
