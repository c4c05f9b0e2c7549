import pg from "pg";
import { uniqueName } from "./names.js";
import { testPostgresUrl } from "./servers.js";

/** A migrated database of one test's own: cloned from the template the test run migrated once, in about 50 ms. */
export interface TestDatabase {
  url: string;
  /** Fails when the test left a connection open. */
  drop(): Promise<void>;
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const templateUrl = testPostgresUrl();
  const name = uniqueName("test");
  const template = new URL(templateUrl).pathname.slice(1);
  await onMaintenanceDatabase(templateUrl, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  return {
    url: withDatabase(templateUrl, name),
    drop: () => onMaintenanceDatabase(templateUrl, `DROP DATABASE ${name}`),
  };
}

async function onMaintenanceDatabase(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: withDatabase(url, "postgres"), query_timeout: 20_000 });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
