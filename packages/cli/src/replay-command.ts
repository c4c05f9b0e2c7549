import { randomUUID } from "node:crypto";
import { postgresConfigShape, replayAll } from "@votesync/postgres-store";
import { parseConfig } from "@votesync/service-kit";
import { Command } from "commander";
import pg from "pg";
import { z } from "zod";
import { withJson } from "./options.js";

const STATEMENT_TIMEOUT_MS = 3_600_000;
const CONNECT_TIMEOUT_MS = 5_000;
const MAX_DIFFERENCES = 1_000;
const PRINTED = 20;

/** `votes replay`: all rows anew from the audit log, in a schema of their own, against the real ones. */
export function replayCommand(): Command {
  return withJson(new Command("replay"))
    .description("make all rows anew from the audit log, elsewhere, and compare; exit code 1 when they differ")
    .action(async (o: { json: boolean }) => {
      const result = await replay(parseConfig(z.object(postgresConfigShape), process.env).DATABASE_URL);
      if (o.json)
        process.stdout.write(`${JSON.stringify({ ok: result.differences.length === 0, ...result }, null, 2)}\n`);
      else print(result);
      if (result.differences.length > 0) process.exitCode = 1;
    });
}

async function replay(connectionString: string): ReturnType<typeof replayAll> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, keepAlive: true });
  await client.connect();
  try {
    const schema = `votesync_replay_${randomUUID().slice(0, 8)}`;
    return await replayAll(client, { schema, timeoutMs: STATEMENT_TIMEOUT_MS, limit: MAX_DIFFERENCES });
  } finally {
    await client.end();
  }
}

function print({ rebuilt, differences }: Awaited<ReturnType<typeof replayAll>>): void {
  if (differences.length > 0) console.table(differences.slice(0, PRINTED));
  console.log(`${rebuilt} rows made from the audit log, ${differences.length} differ from the real ones`);
}
