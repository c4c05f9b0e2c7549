/** What an earlier run may leave behind: locks, records, processes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { claimDataFolder } from "./claim-data-folder.js";
import { claimFile, withFileLock } from "./exclusive-file.js";
import { identifyProcess, identifyThisProcess, type ProcessIdentity } from "./process-identity.js";
import { endOrphan, writeRecord } from "./process-record.js";
import { fixture, Program, rememberingLog, untilGone, withFolder } from "./testing.js";

const LIVES_ON = ["-e", "setInterval(() => undefined, 1_000)"];

async function spawnSleeper(): Promise<{ identity: ProcessIdentity; end(): Promise<void> }> {
  const child = spawn(process.execPath, LIVES_ON, { stdio: "ignore" });
  await once(child, "spawn");
  const identity = await identifyProcess(child.pid as number);
  if (identity === null) throw new Error("the process ended at once");
  const end = async () => {
    const exited = child.exitCode !== null || child.signalCode !== null ? null : once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  return { identity, end };
}

async function deadProcess(): Promise<ProcessIdentity> {
  const { identity, end } = await spawnSleeper();
  await end();
  return identity;
}

async function record(dataDir: string, fields: { process: ProcessIdentity; owner: ProcessIdentity }): Promise<void> {
  await mkdir(join(dataDir, "run"), { recursive: true });
  await writeFile(join(dataDir, "run", "redis.json"), JSON.stringify(fields));
}

describe("a process an earlier run left behind", () => {
  test("is ended when whoever started it is dead", () =>
    withFolder(async (dataDir) => {
      const orphan = await spawnSleeper();
      await record(dataDir, { process: orphan.identity, owner: await deadProcess() });
      await endOrphan({ dataDir, name: "redis", log: rememberingLog() });
      expect(await identifyProcess(orphan.identity.pid)).toBeNull();
    }));

  test("is left alone, and the start refused, while whoever started it is alive", () =>
    withFolder(async (dataDir) => {
      const [server, owner] = [await spawnSleeper(), await spawnSleeper()];
      await record(dataDir, { process: server.identity, owner: owner.identity });
      const ending = endOrphan({ dataDir, name: "redis", log: rememberingLog() });
      await expect(ending).rejects.toThrow(
        `redis already runs on ${dataDir}, started by process ${owner.identity.pid}`,
      );
      expect(await identifyProcess(server.identity.pid)).toEqual(server.identity);
      await Promise.all([server.end(), owner.end()]);
    }));

  test("is not mistaken for another program that has its pid now", () =>
    withFolder(async (dataDir) => {
      const stranger = await spawnSleeper();
      const earlier = { pid: stranger.identity.pid, started: "another time" };
      await record(dataDir, { process: earlier, owner: await deadProcess() });
      await endOrphan({ dataDir, name: "redis", log: rememberingLog() });
      expect(await identifyProcess(stranger.identity.pid)).toEqual(stranger.identity);
      await stranger.end();
    }));

  test("is written down with the one who started it", () =>
    withFolder(async (dataDir) => {
      await writeRecord(dataDir, "redis", process.pid);
      const self = await identifyThisProcess();
      expect(JSON.parse(await readFile(join(dataDir, "run", "redis.json"), "utf8"))).toEqual({
        process: self,
        owner: self,
      });
    }));
});

describe("the claim of a data folder", () => {
  test("is taken over from a dead process, also when its pid belongs to another program now", () =>
    withFolder(async (dataDir) => {
      await mkdir(join(dataDir, "run"));
      for (const stale of [await deadProcess(), { pid: process.pid, started: "another time" }, "garbage"]) {
        await writeFile(join(dataDir, "run", "votesync.lock"), JSON.stringify(stale));
        const claim = await claimDataFolder(dataDir);
        expect(await readFile(join(dataDir, "votesync.pid"), "utf8")).toBe(`${process.pid}\n`);
        await claim.release();
      }
    }));

  test("goes to one of many who want it", () =>
    withFolder(async (folder) => {
      const path = join(folder, "lock");
      await writeFile(path, JSON.stringify(await deadProcess()));
      const claims = await Promise.all(Array.from({ length: 20 }, () => claimFile(path)));
      expect(claims.filter((claim) => "release" in claim)).toHaveLength(1);
    }));

  test("that is a lock for a piece of work lets one in at a time", () =>
    withFolder(async (folder) => {
      let inside = 0;
      const work = async () => {
        expect(++inside).toBe(1);
        await identifyProcess(process.pid);
        inside--;
      };
      const lock = { deadlineMs: 20_000 };
      await Promise.all([1, 2, 3].map(() => withFileLock(join(folder, "lock"), lock, work)));
    }));
});

describe("a machine whose kernel does not end the children of a dead process", () => {
  test("has them ended by the one that holds the other end of a pipe", () =>
    withFolder(async (dataDir) => {
      const program = Program.run(fixture("guarded-child.mjs"), [dataDir], {});
      await program.untilPrinted("\n");
      const child = Number(program.output);
      expect(await identifyProcess(child)).not.toBeNull();
      await program.exit("SIGKILL");
      await untilGone(child);
    }));
});
