import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { freePort } from "./free-port.js";
import { fixture, Program, recordedPid, untilGone, withFolder } from "./testing.js";
import { waitUntil } from "./wait-until.js";

/** Two seconds, on a machine that has nothing else to do. */
const BACK_WITHIN_MS = 30_000;
const NAMES = ["redis", "entry-service", "other-service"];

const running: Program[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((program) => program.exit("SIGTERM")));
});

async function ports(): Promise<Record<"ENTRY_PORT" | "OTHER_PORT" | "REDIS_PORT", string>> {
  const [entry, other, redis] = [await freePort(), await freePort(), await freePort()];
  return { ENTRY_PORT: String(entry), OTHER_PORT: String(other), REDIS_PORT: String(redis) };
}

function run(dataDir: string, env: NodeJS.ProcessEnv): Program {
  const program = Program.run(fixture("stack.mjs"), [], { ...env, DATA_DIR: dataDir });
  running.push(program);
  return program;
}

async function runReady(dataDir: string, env: NodeJS.ProcessEnv): Promise<Program> {
  const program = run(dataDir, env);
  await program.untilPrinted("is ready");
  return program;
}

async function pidsOf(dataDir: string): Promise<number[]> {
  const pids = await Promise.all(NAMES.map((name) => recordedPid(dataDir, name)));
  return pids.map((pid, index) => pid ?? fail(`${NAMES[index]} is not recorded`));
}

function fail(message: string): never {
  throw new Error(message);
}

/** Waits for a process of this name that is not the old one, and returns its pid. */
function untilReplaced(dataDir: string, name: string, old: number): Promise<number> {
  const other = async () => {
    const pid = await recordedPid(dataDir, name);
    return pid === null || pid === old ? null : pid;
  };
  return waitUntil(`${name} to be back`, other, { deadlineMs: BACK_WITHIN_MS });
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

describe("the stack", () => {
  test("says where everything is, and on SIGTERM stops everything and exits 0", () =>
    withFolder(async (dataDir) => {
      const stack = await runReady(dataDir, await ports());
      expect(await readFile(join(dataDir, "votesync.pid"), "utf8")).toBe(`${stack.pid}\n`);
      await stack.untilPrinted("development secret");
      expect(stack.output).toContain("entry-service: warn only a fixture");
      const pids = await pidsOf(dataDir);

      expect(await stack.exit("SIGTERM")).toBe(0);

      await Promise.all(pids.map(untilGone));
      expect(await exists(join(dataDir, "votesync.pid"))).toBe(false);
    }));

  test("tells the services their ports, the servers and each other", () =>
    withFolder(async (dataDir) => {
      const env = await ports();
      await runReady(dataDir, { ...env, PORT_OFFSET: "1" });
      const response = await fetch(`http://127.0.0.1:${Number(env.ENTRY_PORT) + 1}/statusz`);
      expect(await response.json()).toMatchObject({
        env: {
          PORT: String(Number(env.ENTRY_PORT) + 1),
          REDIS_URL: `redis://127.0.0.1:${Number(env.REDIS_PORT) + 1}`,
          SERVICE_URLS: `other-service=http://127.0.0.1:${Number(env.OTHER_PORT) + 1}`,
        },
      });
    }));

  test("brings a service or a server that was killed back, again and again", () =>
    withFolder(async (dataDir) => {
      const env = await ports();
      await runReady(dataDir, env);
      for (const name of ["entry-service", "entry-service", "entry-service", "redis", "redis"]) {
        const old = (await recordedPid(dataDir, name)) ?? fail(`${name} is not recorded`);
        process.kill(old, "SIGKILL");
        await untilReplaced(dataDir, name, old);
        const answers = async () => (await fetch(`http://127.0.0.1:${env.ENTRY_PORT}/readyz`)).ok || null;
        await waitUntil("the service to answer", answers, { deadlineMs: BACK_WITHIN_MS });
      }
    }));

  test("leaves nothing behind when it is killed with -9, and starts again on the same data", () =>
    withFolder(async (dataDir) => {
      const env = await ports();
      const stack = await runReady(dataDir, env);
      const pids = await pidsOf(dataDir);
      await stack.exit("SIGKILL");
      await Promise.all(pids.map(untilGone));
      expect(await exists(join(dataDir, "votesync.pid"))).toBe(true);
      await runReady(dataDir, env);
    }));

  test("refuses a second start on the same data, and the first one goes on", () =>
    withFolder(async (dataDir) => {
      const first = await runReady(dataDir, await ports());
      const second = run(dataDir, await ports());
      expect(await second.exit()).toBe(1);
      expect(second.output).toContain(`already runs on ${dataDir}, started by process ${first.pid}`);
      expect(await readFile(join(dataDir, "votesync.pid"), "utf8")).toBe(`${first.pid}\n`);
    }));

  test("names the taken port and the variables that move it, and leaves nothing running", () =>
    withFolder(async (dataDir) => {
      const env = await ports();
      await runReady(dataDir, env);
      await withFolder(async (otherDataDir) => {
        const stack = run(otherDataDir, { ...(await ports()), OTHER_PORT: env.OTHER_PORT });
        expect(await stack.exit()).toBe(1);
        expect(stack.output).toContain(`port ${env.OTHER_PORT}, wanted for other-service, is taken`);
        expect(stack.output).toMatch(/OTHER_PORT .*PORT_OFFSET/);
        expect(await exists(join(otherDataDir, "votesync.pid"))).toBe(false);
      });
    }));

  test("gives up when a service ends again and again before it was ever ready, and says which", () =>
    withFolder(async (dataDir) => {
      const stack = run(dataDir, { ...(await ports()), FIXTURE_FAILS: "yes" });
      expect(await stack.exit()).toBe(1);
      expect(stack.output).toMatch(/cannot start: (entry|other)-service ends again and again/);
      expect(stack.output).toContain("this service cannot start");
      expect(await recordedPid(dataDir, "redis")).toBeNull();
    }));

  test("ends a start that is under way on SIGTERM, and exits 0", () =>
    withFolder(async (dataDir) => {
      const stack = run(dataDir, { ...(await ports()) });
      await stack.untilPrinted("redis:");
      expect(await stack.exit("SIGTERM")).toBe(0);
      expect(await exists(join(dataDir, "votesync.pid"))).toBe(false);
    }));
});
