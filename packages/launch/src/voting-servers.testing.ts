/** Servers that play another voting API in tests, well behaved or not. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ExternalVotesSource } from "./external-votes-source.js";
import type { VoteSource } from "./vote-source.js";

export const SECRET = "a secret of two parties, long enough for both";
export const DATE = "2024-01-15";
/** For one try: nothing here is slower by itself. */
const TIMEOUT_MS = 300;

/** Lets go of everything. */
const own: Pick<VoteSource, "flush"> = { flush: async (_date, apps) => apps.map(({ appId }) => appId) };

export const sourceAt = (url: string, secret = SECRET) =>
  new ExternalVotesSource({ url, secret, timeoutMs: TIMEOUT_MS }, own);

export class VotingServers {
  private readonly servers: Server[] = [];

  /** @returns its address */
  async listen(server: Server): Promise<string> {
    this.servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** A source whose API answers every request with this. */
  async answering(answer: RequestListener): Promise<ExternalVotesSource> {
    return sourceAt(await this.listen(createServer(answer)));
  }

  json(body: unknown): Promise<ExternalVotesSource> {
    return this.answering((_req, res) =>
      res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body)),
    );
  }

  /** An address where nobody listens any more. */
  async deadAddress(): Promise<string> {
    const address = await this.listen(createServer());
    await this.close();
    return address;
  }

  async close(): Promise<void> {
    for (const server of this.servers.splice(0)) {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }
  }
}

export const countsOf = (votes: unknown) => ({ date: DATE, countedAt: "2024-01-16T00:00:03Z", votes });
