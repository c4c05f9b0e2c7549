/**
 * A real mongod, downloaded once by mongodb-memory-server-core. Where its host is out of reach that is noticed within
 * seconds and remembered for an hour, so the starts after it do not wait again.
 */
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isExecutable } from "./find-on-path.js";
import { runCommand } from "./run-command.js";
import { installerEnv, type ServerSetup } from "./server-setup.js";

/** Without a single byte after this, the host is out of reach. */
const FIRST_BYTE_DEADLINE_MS = 12_000;
/** Some 80 MB. */
const DOWNLOAD_DEADLINE_MS = 600_000;
const LOOK_EVERY_MS = 250;
const REMEMBER_FAILURE_MS = 3_600_000;

/** @returns the program, or why there is none */
export async function fetchMongod(setup: ServerSetup, cache: string): Promise<{ program: string } | { why: string }> {
  const folder = join(cache, "mongod");
  const known = join(cache, "mongod-path");
  const failed = join(cache, "mongod-unreachable");
  const program = (await readFile(known, "utf8").catch(() => "")).trim();
  if (program !== "" && (await isExecutable(program))) return { program };
  const age = Date.now() - ((await stat(failed).catch(() => null))?.mtimeMs ?? 0);
  if (age < REMEMBER_FAILURE_MS) {
    const minutes = Math.ceil(age / 60_000);
    return { why: `its download failed ${minutes} min ago (tried again after an hour, or when ${failed} is removed)` };
  }
  try {
    setup.log.info({ folder }, "looking for a MongoDB server to download (about 80 MB, once)");
    const fetched = await download(setup, folder);
    await writeFile(known, fetched);
    await rm(failed, { force: true });
    return { program: fetched };
  } catch (error) {
    setup.signal?.throwIfAborted();
    await writeFile(failed, "");
    return { why: `its download failed: ${firstLine((error as Error).message)}` };
  }
}

async function download(setup: ServerSetup, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const tooSlow = new AbortController();
  const finished = new AbortController();
  const output = runCommand({
    what: "fetch-mongod",
    dataDir: setup.dataDir,
    // From src/ (tests) and from dist/ alike.
    command: [process.execPath, fileURLToPath(new URL("../dist/fetch-mongod-main.js", import.meta.url)), folder],
    env: installerEnv(setup.env),
    logPath: join(setup.dataDir, "logs", "install.log"),
    deadlineMs: DOWNLOAD_DEADLINE_MS,
    signal: AbortSignal.any([tooSlow.signal, ...(setup.signal ? [setup.signal] : [])]),
  }).finally(() => finished.abort());
  void expectFirstByte(folder, tooSlow, finished.signal);
  const program = (await output).split("\n").at(-1)?.trim() ?? "";
  if (!(await isExecutable(program))) throw new Error(`no program at "${program}"`);
  return program;
}

async function expectFirstByte(folder: string, tooSlow: AbortController, finished: AbortSignal): Promise<void> {
  const deadline = Date.now() + FIRST_BYTE_DEADLINE_MS;
  while (!finished.aborted && Date.now() < deadline) {
    if ((await bytesIn(folder)) > 0) return;
    await delay(LOOK_EVERY_MS, undefined, { signal: finished }).catch(() => undefined);
  }
  tooSlow.abort(new Error(`nothing came within ${FIRST_BYTE_DEADLINE_MS / 1_000} s`));
}

/** Of what is being downloaded; the library's own lock file is not that. */
async function bytesIn(folder: string): Promise<number> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => !name.endsWith(".lock"));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name)).catch(() => null))?.size));
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

const firstLine = (text: string) => text.split("\n", 2).join(" ").slice(0, 300);
