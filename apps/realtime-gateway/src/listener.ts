/**
 * Opens the gateway's port, and closes it so that clients come back by themselves: newcomers are refused at once, those who
 * are here are sent away over a few seconds (drain.ts), and whatever is left then is cut.
 */
import { once } from "node:events";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo, Socket as TcpSocket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger, Service } from "@votesync/service-kit";
import { sendAway } from "./drain.js";
import type { EngineConnection, GatewayServer } from "./sockets.js";

/** At most 60 of them: 3 s. */
const DRAIN_STEP_MS = 50;
/** For clients to answer the websocket's closing; a frozen one would take 30 s. */
const CLOSE_GRACE_MS = 2_000;

export class Listener implements Service {
  readonly name = "listener";
  private readonly connections = new Set<TcpSocket>();
  private stopping: Promise<void> | undefined;

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

  stop(): Promise<void> {
    this.stopping ??= this.drain();
    return this.stopping;
  }

  private async drain(): Promise<void> {
    const { server, io } = this.o;
    if (!server.listening) return void (await io.close());
    const closed = once(server, "close");
    server.close();
    await sendAway(
      () => openConnections(io),
      () => delay(DRAIN_STEP_MS),
    );
    const cut = setTimeout(() => {
      for (const connection of this.connections) connection.destroy();
    }, CLOSE_GRACE_MS);
    // Closing socket.io discards what is not sent yet, so it comes after everybody has gone or was cut.
    await closed;
    clearTimeout(cut);
    await io.close();
  }
}

/** engine.io keeps them by id and documents no way to list them. */
function openConnections({ engine }: GatewayServer): EngineConnection[] {
  const { clients } = engine as unknown as { clients: Record<string, EngineConnection> };
  return Object.values(clients).filter(({ readyState }) => readyState === "open");
}
