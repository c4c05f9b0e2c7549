/**
 * Opens the gateway's port, and closes it so that clients come back by themselves: their transport closes, which
 * socket.io-client answers by reconnecting with a random delay. (A `disconnect` packet would tell them to stay away.)
 */
import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Socket as TcpSocket } from "node:net";
import type { Logger, Service } from "@votesync/service-kit";
import type { GatewayServer } from "./sockets.js";

/** For clients to answer the websocket's closing; a frozen one would take 30 s. */
const CLOSE_GRACE_MS = 2_000;

export class Listener implements Service {
  readonly name = "listener";
  private readonly connections = new Set<TcpSocket>();

  constructor(private readonly o: { server: HttpServer; io: GatewayServer; port: number; log: Logger }) {
    o.server.on("connection", (connection) => {
      this.connections.add(connection);
      connection.once("close", () => this.connections.delete(connection));
    });
  }

  async start(): Promise<void> {
    this.o.server.listen(this.o.port);
    await once(this.o.server, "listening");
    this.o.log.info({ port: this.port }, "listening");
  }

  /** The port it really has: another than asked for when that was 0. */
  get port(): number {
    return (this.o.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const cut = setTimeout(() => {
      for (const connection of this.connections) connection.destroy();
    }, CLOSE_GRACE_MS);
    await this.o.io.close();
    clearTimeout(cut);
  }
}
