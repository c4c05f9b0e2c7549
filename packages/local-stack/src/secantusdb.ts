/**
 * SecantusDB: a MongoDB-compatible server from PyPI, the last resort where no mongod can be had. It is a beta under
 * GPL-2.0, so it is a stand-in to try and to test with, a process of its own, installed by pip on the machine that
 * needs it and never part of what we ship.
 */
import { execFile } from "node:child_process";
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { runCommand } from "./run-command.js";
import { installerEnv, type ServerSetup } from "./server-setup.js";

const VERSION = "0.7.0b3";
const INSTALL_DEADLINE_MS = 300_000;
const PYTHON_DEADLINE_MS = 10_000;
const ASK_PYTHON =
  "import sys; print(sys.executable); print(sys.implementation.cache_tag); print(int(sys.version_info >= (3, 10)))";

export interface SecantusDb {
  python: string;
  /** What PYTHONPATH must be. */
  folder: string;
  version: string;
}

/** @returns why it is not there, when it cannot be installed. The caller holds the lock of the cache. */
export async function installSecantusDb(setup: ServerSetup, cache: string): Promise<SecantusDb | { why: string }> {
  const python = await findPython(setup);
  if (python === null) return { why: "needs Python 3.10 or newer, found none on PATH" };
  // Compiled parts fit one Python only. The folder gets its name when it is complete.
  const folder = join(cache, `secantusdb-${VERSION}-${python.tag}`);
  if ((await stat(folder).catch(() => null)) === null) {
    try {
      await install(setup, python.program, folder);
    } catch (error) {
      setup.signal?.throwIfAborted();
      return { why: (error as Error).message };
    }
  }
  return { python: python.program, folder, version: VERSION };
}

async function install(setup: ServerSetup, python: string, folder: string): Promise<void> {
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  setup.log.warn({ folder }, `installing SecantusDB ${VERSION} with pip, a MongoDB stand-in (145 MB, once)`);
  const flags = ["--disable-pip-version-check", "--no-input", "--quiet"];
  await runCommand({
    what: "install-secantusdb",
    dataDir: setup.dataDir,
    command: [python, "-m", "pip", "install", ...flags, "--target", part, `SecantusDB==${VERSION}`],
    env: installerEnv(setup.env),
    logPath: join(setup.dataDir, "logs", "install.log"),
    deadlineMs: INSTALL_DEADLINE_MS,
    signal: setup.signal,
  });
  await rename(part, folder);
}

/** The interpreter itself, not a version manager's shim in front of it: that one would add 100 ms and a shell. */
async function findPython(setup: ServerSetup): Promise<{ program: string; tag: string } | null> {
  for (const name of ["python3", "python"]) {
    try {
      const options = { env: installerEnv(setup.env), timeout: PYTHON_DEADLINE_MS };
      const { stdout } = await promisify(execFile)(name, ["-c", ASK_PYTHON], options);
      const [program, tag, isNewEnough] = stdout.trim().split("\n");
      if (program && tag && isNewEnough === "1") return { program, tag };
    } catch {
      // Not installed, or a shim without a Python behind it: the next name.
    }
  }
  return null;
}
