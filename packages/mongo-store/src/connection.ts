/**
 * The one way this project talks to MongoDB: bounded, and honest about failure.
 *
 * Measured on its driver 7.8: `timeoutMS` has no effect, and with the defaults a frozen server makes a query take 70 s.
 * A short heartbeat notices it after 4.5 s and ends what waits; an AbortSignal ends a command on the spot. So a call has
 * a deadline of its own (`withDeadline`, its signal given to the driver) on top of the options below. A write that was
 * given up may still arrive: repeating it must be harmless.
 */
import { setTimeout as delay } from "node:timers/promises";
import { withDeadline } from "@votesync/service-kit";
import mongoose from "mongoose";
import { z } from "zod";

/** What this package needs of a logger; pino's fits. */
export interface ConnectionLog {
  info(info: object, message: string): void;
  warn(info: object, message: string): void;
}

/** Environment variables every service with MongoDB shares. */
export const mongoConfigShape = {
  MONGO_URL: z.url({ protocol: /^mongodb(\+srv)?$/ }),
};

export interface MongoConnection {
  readonly connection: mongoose.Connection;
  /** @throws when MongoDB does not answer within a second. */
  ping(): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

const OPTIONS = {
  // Calls made while there is no connection fail at once instead of waiting in a buffer.
  bufferCommands: false,
  // Indexes are made by the migration, once, not by every process that starts.
  autoIndex: false,
  serverSelectionTimeoutMS: 2_000,
  connectTimeoutMS: 2_000,
  heartbeatFrequencyMS: 2_000,
} satisfies mongoose.ConnectOptions;

const PING_DEADLINE_MS = 1_000;
const CLOSE_DEADLINE_MS = 2_000;
const RETRY_MS = 500;

/** Connects in the background and keeps trying: a service starts without MongoDB and says so in its readiness. */
export function connectMongo({ url, log }: { url: string; log: ConnectionLog }): MongoConnection {
  const connection = mongoose.createConnection();
  const closing = new AbortController();
  logChanges(connection, closing.signal, log);
  const opened = keepOpening(connection, url, closing.signal);
  return {
    connection,
    ping: () => withDeadline((signal) => ping(connection, signal), PING_DEADLINE_MS, "pinging mongodb"),
    close: async () => {
      closing.abort();
      await withDeadline(closeWhole(connection, opened), CLOSE_DEADLINE_MS, "closing mongodb");
    },
  };
}

/** Until the first connection; from then on the driver itself reconnects. */
async function keepOpening(connection: mongoose.Connection, url: string, closing: AbortSignal): Promise<void> {
  while (!closing.aborted) {
    try {
      await connection.openUri(url, OPTIONS);
      return;
    } catch {
      // Told by the connection's "error" event.
      await delay(RETRY_MS, undefined, { signal: closing }).catch(() => undefined);
    }
  }
}

async function ping(connection: mongoose.Connection, signal: AbortSignal): Promise<Record<string, unknown>> {
  if (connection.db === undefined) throw new Error("not connected");
  await connection.db.command({ ping: 1 }, { signal });
  return {};
}

async function closeWhole(connection: mongoose.Connection, opened: Promise<void>): Promise<void> {
  // Ends an attempt under way at once; mongoose's own close would wait for its outcome, up to 2 s.
  if (connection.readyState === mongoose.ConnectionStates.connecting) await connection.getClient().close(true);
  await opened;
  await connection.close(true);
}

/** A line when it works and a line when it stops working, however often it is tried in between. */
function logChanges(connection: mongoose.Connection, closing: AbortSignal, log: ConnectionLog): void {
  let isConnected = false;
  let lastError = "";
  connection.on("connected", () => {
    isConnected = true;
    log.info({}, "mongodb connection ready");
  });
  // Only the first connection ends in an error; later ones are only lost.
  connection.on("error", ({ message }: Error) => {
    if (!closing.aborted && message !== lastError) log.warn({ err: message }, "cannot reach mongodb, trying again");
    lastError = message;
  });
  connection.on("disconnected", () => {
    if (!closing.aborted && isConnected) log.warn({}, "mongodb connection lost, trying again");
    isConnected = false;
  });
}
