/** Asks a server whether it answers, once, bounded. @throws when it does not; never with a password in the message */
import { Redis } from "ioredis";
import pg from "pg";

const DEADLINE_MS = 3_000;

export async function pingRedis(url: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: DEADLINE_MS,
    commandTimeout: DEADLINE_MS,
    retryStrategy: () => null,
  });
  let reason: Error | undefined;
  redis.on("error", (error: Error) => {
    reason = error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
}

export async function pingPostgres(url: string): Promise<void> {
  await withPostgres(url, async (client) => {
    await client.query("SELECT 1");
  });
}

export async function withPostgres<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: DEADLINE_MS,
    query_timeout: DEADLINE_MS * 10,
  });
  // A server that goes away meanwhile also fails the query, which is where it is reported.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export async function pingMongo(url: string): Promise<void> {
  // Loaded when needed: it takes longer than everything else here together.
  const { mongo } = await import("mongoose");
  const client = new mongo.MongoClient(url, {
    serverSelectionTimeoutMS: DEADLINE_MS,
    connectTimeoutMS: DEADLINE_MS,
    socketTimeoutMS: DEADLINE_MS,
  });
  try {
    await client.connect();
    await client.db("admin").command({ ping: 1 });
  } finally {
    await client.close();
  }
}
