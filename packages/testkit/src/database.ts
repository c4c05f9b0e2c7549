import pg from "pg";
import { uniqueName } from "./names.js";
import { testPostgresUrl } from "./servers.js";

/** A migrated database of one test's own: cloned from the template the test run migrated once, in about 50 ms. */
export interface TestDatabase {
  url: string;
  /** Fails when the test left a connection open. */
  drop(): Promise<void>;
}

export function createTestDatabase(): Promise<TestDatabase> {
  return createDatabase(`TEMPLATE ${new URL(testPostgresUrl()).pathname.slice(1)}`);
}

/** An empty one that sorts text as people do: `a`, `B`, `C`, `d`. Not migrated: a clone keeps the collation of its template. */
export function createLinguisticDatabase(): Promise<TestDatabase> {
  return createDatabase("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'");
}

async function createDatabase(options: string): Promise<TestDatabase> {
  const serverUrl = testPostgresUrl();
  const name = uniqueName("test");
  await onMaintenanceDatabase(serverUrl, `CREATE DATABASE ${name} ${options}`);
  return {
    url: withDatabase(serverUrl, name),
    drop: () => onMaintenanceDatabase(serverUrl, `DROP DATABASE ${name}`),
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
