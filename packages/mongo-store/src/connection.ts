/**
 * The one way this project talks to MongoDB. Measured on its driver 7.8: `timeoutMS` has no effect, and a frozen server
 * makes a query take 42 to 70 s; so every call gets a deadline of its own on top of short server selection.
 */
import mongoose from "mongoose";
import { z } from "zod";

/** What this package needs of a logger; pino's fits. */
export interface ConnectionLog {
  warn(info: object, message: string): void;
}

/** Environment variables every service with MongoDB shares. */
export const mongoConfigShape = {
  MONGO_URL: z.url({ protocol: /^mongodb(\+srv)?$/ }),
};

export interface MongoConnection {
  readonly connection: mongoose.Connection;
  /** @throws when MongoDB does not answer. */
  ping(): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

const RETRY_MS = 1_000;

const OPTIONS = {
  // Calls made while there is no connection fail at once instead of waiting in a buffer.
  bufferCommands: false,
  // Indexes are made by the migration, once, not by every process that starts.
  autoIndex: false,
  serverSelectionTimeoutMS: 2_000,
  connectTimeoutMS: 2_000,
  heartbeatFrequencyMS: 2_000,
} satisfies mongoose.ConnectOptions;

/** Connects in the background and keeps trying: a service starts without MongoDB and says so in its readiness. */
export function connectMongo(o: { url: string; log: ConnectionLog }): MongoConnection {
  const connection = mongoose.createConnection();
  let closed = false;
  let retry: NodeJS.Timeout | undefined;
  connection.on("error", (error: Error) => o.log.warn({ err: error.message }, "mongodb connection error"));
  const open = (): void => {
    connection.openUri(o.url, OPTIONS).catch((error: Error) => {
      o.log.warn({ err: error.message }, "cannot reach mongodb, trying again");
      if (!closed) retry = setTimeout(open, RETRY_MS);
    });
  };
  open();
  return {
    connection,
    ping: async () => {
      if (connection.db === undefined) throw new Error("not connected");
      await connection.db.command({ ping: 1 });
      return {};
    },
    close: async () => {
      closed = true;
      clearTimeout(retry);
      await connection.close(true);
    },
  };
}
