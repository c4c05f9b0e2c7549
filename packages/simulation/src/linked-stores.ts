/** The real clients of both stores, seen through links. */
import type { RedisClient } from "@votesync/redis-store";
import type pg from "pg";
import type { Link } from "./link.js";
import type { Operations } from "./operations.js";
import type { TwoStores } from "./two-stores.js";

const EMITTER_METHODS = new Set<PropertyKey>(["on", "once", "off", "emit", "removeListener"]);

export function linkedRedis(stores: TwoStores, link: Link): RedisClient {
  const time = async () => [String(Math.floor(stores.nowUs / 1_000_000)), "0"];
  return new Proxy(stores.redis, {
    get(target, property): unknown {
      if (property === "status") return link.isCut ? "reconnecting" : "ready";
      const source: object = EMITTER_METHODS.has(property) ? link.events : target;
      const value: unknown = Reflect.get(source, property);
      if (typeof value !== "function") return value;
      if (source !== target) return value.bind(source);
      if (property === "time") return () => link.call(time);
      return (...args: unknown[]) =>
        link.call(() => {
          stores.tellTime();
          return Reflect.apply(value, target, args);
        });
    },
  });
}

/** A pool through a link. What a broken connection held is given back, as PostgreSQL does when it loses a client. */
export class LinkedPool {
  readonly pool: pg.Pool;
  private readonly clients = new Set<LinkedClient>();

  constructor(
    real: pg.Pool,
    private readonly link: Link,
    private readonly operations: Operations,
  ) {
    this.pool = new Proxy(real, {
      get: (target, property): unknown => {
        if (property === "connect") return () => this.connect(target);
        const value: unknown = Reflect.get(target, property);
        if (property !== "query" || typeof value !== "function") return value;
        return (...args: unknown[]) => link.call(() => Reflect.apply(value, target, args));
      },
    });
  }

  /** Every connection is lost, and with it every transaction. */
  async drop(): Promise<void> {
    const clients = [...this.clients];
    for (const client of clients) client.isLost = true;
    this.link.drop();
    await Promise.all(clients.map((client) => client.giveBack()));
  }

  private async connect(real: pg.Pool): Promise<pg.PoolClient> {
    // A fault comes before it: a connection that nobody gets would never be given back.
    await this.link.call(async () => undefined);
    const client = await this.operations.count(() => real.connect());
    const linked = new LinkedClient(client, this.link, this.operations, () => this.clients.delete(linked));
    this.clients.add(linked);
    return linked.client;
  }
}

class LinkedClient {
  isLost = false;
  readonly client: pg.PoolClient;
  private given: Promise<void> | null = null;

  constructor(
    private readonly real: pg.PoolClient,
    link: Link,
    private readonly operations: Operations,
    private readonly onGivenBack: () => void,
  ) {
    this.client = new Proxy(real, {
      get: (target, property): unknown => {
        if (property === "release") return (broken?: boolean) => this.release(broken === true);
        const value: unknown = Reflect.get(target, property);
        if (property !== "query" || typeof value !== "function") return value;
        return (...args: unknown[]) =>
          link.call(async () => {
            if (this.isLost) throw new Error("the connection to PostgreSQL is lost");
            return Reflect.apply(value, target, args);
          });
      },
    });
  }

  private release(broken: boolean): void {
    if (broken || this.isLost) void this.giveBack();
    else this.end();
  }

  /** Not thrown away: a new connection costs more than a whole step. */
  giveBack(): Promise<void> {
    this.isLost = true;
    this.given ??= this.operations
      .count(() => this.real.query("ROLLBACK; RESET idle_session_timeout; SELECT pg_advisory_unlock_all()"))
      .then(() => this.end());
    return this.given;
  }

  private end(): void {
    this.onGivenBack();
    this.real.release();
  }
}
