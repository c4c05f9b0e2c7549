/** A TCP link to a real server that a test can cut and freeze: the server stays real, the network fails. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";

export class BreakableLink {
  private readonly links = new Map<Socket, Socket>();
  private readonly server = createServer((client) => this.join(client));
  private frozen = false;

  private constructor(
    private target: { host: string; port: number },
    private port = 0,
  ) {}

  /** @param url the server's; `url()` is the same through this link */
  static async to(url: string): Promise<BreakableLink> {
    const link = new BreakableLink(addressOf(url));
    await link.restore();
    link.port = (link.server.address() as AddressInfo).port;
    return link;
  }

  url(original: string): string {
    const through = new URL(original);
    through.host = `127.0.0.1:${this.port}`;
    return through.href;
  }

  get openConnections(): number {
    return this.links.size;
  }

  /** Connections end, and new ones are refused. */
  async cut(): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, "close");
    this.server.close();
    for (const client of this.links.keys()) client.destroy();
    await closed;
  }

  async restore(): Promise<void> {
    this.frozen = false;
    this.server.listen(this.port, "127.0.0.1");
    await once(this.server, "listening");
  }

  /** Another server answers at this address, as after a failover. */
  async moveTo(url: string): Promise<void> {
    await this.cut();
    this.target = addressOf(url);
    await this.restore();
  }

  /** Connections stay open and are accepted, and nothing passes any more. */
  freeze(): void {
    this.frozen = true;
    for (const [client, upstream] of this.links) {
      client.unpipe(upstream).pause();
      upstream.unpipe(client).pause();
    }
  }

  /** What is sent arrives, and answers do not come back any more; for connections that are open. */
  loseReplies(): void {
    for (const [client, upstream] of this.links) upstream.unpipe(client).pause();
  }

  private join(client: Socket): void {
    const upstream = connect(this.target.port, this.target.host);
    this.links.set(client, upstream);
    const end = () => {
      this.links.delete(client);
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
    if (this.frozen) client.pause();
    else client.pipe(upstream).pipe(client);
  }
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
