/**
 * Brings a database to the schema of this release: the ordinary Prisma migrations folder, applied by Prisma's own
 * schema engine. The engine's native binary is downloaded by the Prisma command line and cannot be had everywhere; the
 * same engine from npm, as WebAssembly, applies the folder in 40 ms and keeps the same `_prisma_migrations` table, so
 * `prisma migrate deploy` and this may take turns.
 */
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import type { MigrationDirectory, MigrationList } from "@prisma/schema-engine-wasm";
import { ADVISORY_LOCKS } from "@votesync/core";
import pg from "pg";

type EngineModule = typeof import("@prisma/schema-engine-wasm");

// From dist/ and from src/ alike.
const PRISMA_FOLDER = fileURLToPath(new URL("../prisma", import.meta.url));
const LOCK_TIMEOUT_MS = 60_000;

/**
 * Applies what is missing; a second process that migrates at the same time waits for the first.
 * @returns the names of the migrations it applied
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await client.query("SELECT pg_advisory_lock($1, 0)", [ADVISORY_LOCKS.migration]);
    return await applyMigrations(databaseUrl);
  } finally {
    await client.end();
  }
}

async function applyMigrations(databaseUrl: string): Promise<string[]> {
  engineModule ??= loadEngine();
  const { SchemaEngine } = await engineModule;
  const schema = await readFile(join(PRISMA_FOLDER, "schema.prisma"), "utf8");
  // A pool of our own, because the engine leaves the one it makes open.
  const pool = new pg.Pool({ connectionString: databaseUrl });
  try {
    const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool));
    const engine = await SchemaEngine.new({ datamodels: [["schema.prisma", schema]] }, () => {}, adapter);
    const filters = { externalTables: [], externalEnums: [] };
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList: await readMigrations(), filters });
    return appliedMigrationNames;
  } finally {
    await pool.end();
  }
}

/** Once per process: the module keeps views of its memory, which a second instance would read through. */
let engineModule: Promise<EngineModule> | undefined;

/** Node 20 cannot import a .wasm file, so the module is put together by hand. */
async function loadEngine(): Promise<EngineModule> {
  const engine = (await import("@prisma/schema-engine-wasm/schema_engine_bg")) as unknown as EngineModule & {
    __wbg_set_wasm(exports: WebAssembly.Exports): void;
  };
  const entry = createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm");
  const bytes = await readFile(entry.replace(/schema_engine\.js$/, "schema_engine_bg.wasm"));
  const { instance } = await WebAssembly.instantiate(bytes, {
    "./schema_engine_bg.js": engine as unknown as WebAssembly.ModuleImports,
  });
  engine.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return engine;
}

async function readMigrations(): Promise<MigrationList> {
  const baseDir = join(PRISMA_FOLDER, "migrations");
  const entries = await readdir(baseDir, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return {
    baseDir,
    lockfile: { path: "migration_lock.toml", content: await readFile(join(baseDir, "migration_lock.toml"), "utf8") },
    shadowDbInitScript: "",
    migrationDirectories: await Promise.all(folders.sort().map((folder) => readMigration(baseDir, folder))),
  };
}

async function readMigration(baseDir: string, folder: string): Promise<MigrationDirectory> {
  const value = await readFile(join(baseDir, folder, "migration.sql"), "utf8");
  return { path: folder, migrationFile: { path: "migration.sql", content: { tag: "ok", value } } };
}
