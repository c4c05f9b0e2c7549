/** A client of the real library that remembers all it is told. */
import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";

export interface Told {
  event: string;
  id: string;
  upvotes: number;
  downvotes: number;
  voteCount: number;
  version: number;
  reason?: string;
  atMs: number;
}

export interface SubscribeAnswer {
  ok: boolean;
  error?: string;
  projects: Record<string, Omit<Told, "event" | "id" | "atMs">>;
  unknown: string[];
}

const ACK_TIMEOUT_MS = 30_000;

export class Watcher {
  private static readonly open = new Set<Watcher>();
  readonly told: Told[] = [];

  private constructor(readonly socket: Socket) {
    socket.onAny((event: string, body: object) => this.told.push({ event, ...body, atMs: performance.now() } as Told));
  }

  /** Resolves when connected. @throws what the gateway said when it refused */
  static async connect(url: string, options: Partial<ManagerOptions & SocketOptions> = {}): Promise<Watcher> {
    const watcher = new Watcher(io(url, { transports: ["websocket"], forceNew: true, ...options }));
    Watcher.open.add(watcher);
    try {
      await new Promise<void>((resolve, reject) => {
        watcher.socket.once("connect", resolve);
        watcher.socket.once("connect_error", reject);
      });
    } catch (error) {
      watcher.close();
      throw error;
    }
    return watcher;
  }

  subscribe(...projects: string[]): Promise<SubscribeAnswer> {
    return this.call("subscribe", { projects });
  }

  unsubscribe(...projects: string[]): Promise<SubscribeAnswer> {
    return this.call("unsubscribe", { projects });
  }

  call(event: string, ...payload: unknown[]): Promise<SubscribeAnswer> {
    return this.socket.timeout(ACK_TIMEOUT_MS).emitWithAck(event, ...payload);
  }

  last(projectId: string): Told | undefined {
    return this.told.findLast(({ id }) => id === projectId);
  }

  close(): void {
    Watcher.open.delete(this);
    this.socket.close();
  }

  /** For after each test: a failed one leaves some open, and they would keep the process alive. */
  static closeAll(): void {
    for (const watcher of Watcher.open) watcher.close();
  }
}
