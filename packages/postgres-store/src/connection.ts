/**
 * The one way this project talks to PostgreSQL: one pool of `pg`, shared by Prisma (ordinary reads and writes) and by
 * the statements that write votes in batches.
 *
 * Every wait has a bound: measured, `pg` and Prisma's adapter wait for ever on a server that accepts and then stays
 * silent. Batches go through `pg` itself, because `unnest` statements are ten times as fast as Prisma's `createMany`
 * here, and an interactive transaction that times out during COMMIT can crash the process (prisma#29952).
 */
import { PrismaPg } from "@prisma/adapter-pg";
import { pickSettings, type SomeSettings } from "@votesync/core";
import pg from "pg";
import { z } from "zod";
import { PrismaClient } from "./generated/client.js";
import { SettingsAgreement } from "./settings-agreement.js";

export type { PrismaClient } from "./generated/client.js";

/** What this package needs of a logger; pino's fits. */
export interface ConnectionLog {
  warn(info: object, message: string): void;
}

/** Environment variables every service with PostgreSQL shares. */
export const postgresConfigShape = {
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
};

export interface PostgresConnection {
  readonly pool: pg.Pool;
  readonly prisma: PrismaClient;
  /** @throws when PostgreSQL does not answer. */
  ping(): Promise<Record<string, unknown>>;
  /** This process's agreement with the settings in force: see `SettingsAgreement`. */
  readonly settings: { reach(): Promise<boolean>; disagreement: SettingsAgreement["disagreement"] };
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 2_000;
const QUERY_TIMEOUT_MS = 10_000;
const DEFAULT_POOL_SIZE = 10;

/**
 * Connects when first used, and again by itself after an outage.
 * @param o.config what a service was given: no statement runs before its settings are those in force
 */
export function connectPostgres(o: {
  url: string;
  name: string;
  poolSize?: number;
  queryTimeoutMs?: number;
  config?: SomeSettings;
  log: ConnectionLog;
}): PostgresConnection {
  const queryTimeoutMs = o.queryTimeoutMs ?? QUERY_TIMEOUT_MS;
  const agreement = new SettingsAgreement(pickSettings(o.config ?? {}));
  const pool = new pg.Pool({
    connectionString: o.url,
    application_name: o.name,
    max: o.poolSize ?? DEFAULT_POOL_SIZE,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: queryTimeoutMs,
    statement_timeout: queryTimeoutMs,
    idle_in_transaction_session_timeout: queryTimeoutMs,
    keepAlive: true,
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
    onConnect: (client) => agreement.check(client),
  });
  let closing = false;
  pool.on("error", (error) => closing || o.log.warn({ err: error.message }, "idle postgres connection lost"));
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    pool,
    prisma,
    settings: { reach: () => agreement.reach(pool), disagreement: agreement.disagreement },
    ping: async () => {
      await pool.query("SELECT 1");
      return {};
    },
    close: async () => {
      closing = true;
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

/** Counts and versions are below 2^53, so a `bigint` column reads as a number and not as text. */
function typeParser(oid: number, format?: "text" | "binary"): (value: string) => unknown {
  return oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as "text");
}
