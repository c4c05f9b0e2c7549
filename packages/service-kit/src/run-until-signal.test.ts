/** Real processes, and real signals. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

interface Line {
  msg: string;
  [field: string]: unknown;
}

/** A process with two services; `http` is given as source text, so that each test can spoil it. */
class ServiceUnderTest {
  readonly lines: Line[] = [];
  private readonly child: ChildProcess;
  private readonly watchers = new Set<() => void>();

  constructor(http: string, stopTimeoutMs = 5_000) {
    const source = `
      import { closing, createLogger, runUntilSignal } from "@votesync/service-kit";
      const log = createLogger({ service: "test", level: "info" });
      const store = closing("store", async () => log.info("store closed"));
      setInterval(() => undefined, 1_000);
      await runUntilSignal({ log, stopTimeoutMs: ${stopTimeoutMs}, services: [store, { name: "http", ${http} }] });`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", source], { cwd: PACKAGE });
    child.stderr.pipe(process.stderr);
    createInterface(child.stdout).on("line", (line) => {
      this.lines.push(JSON.parse(line) as Line);
      for (const watcher of this.watchers) watcher();
    });
    this.child = child;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async logged(message: string): Promise<Line> {
    for (;;) {
      const line = this.lines.find(({ msg }) => msg === message);
      if (line !== undefined) return line;
      await new Promise<void>((resolve) => this.watchers.add(resolve));
    }
  }

  async exitCode(): Promise<number | null> {
    // "close" comes after the last line of output.
    if (this.child.exitCode === null) await once(this.child, "close");
    return this.child.exitCode;
  }
}

const WELL = "start: async () => undefined, stop: async () => log.info('http stopped')";

test.each<NodeJS.Signals>(["SIGTERM", "SIGINT"])("%s stops everything in reverse and exits 0", async (signal) => {
  const service = new ServiceUnderTest(WELL);
  await service.logged("started");
  service.signal(signal);
  expect(await service.exitCode()).toBe(0);
  const messages = service.lines.map(({ msg }) => msg);
  expect(messages).toEqual(["started", "stopping", "http stopped", "store closed", "stopped"]);
});

test("a stop that hangs ends at the deadline with exit code 1, and the log names what hangs", async () => {
  const service = new ServiceUnderTest("start: async () => undefined, stop: () => new Promise(() => undefined)", 100);
  await service.logged("started");
  service.signal("SIGTERM");
  expect(await service.exitCode()).toBe(1);
  expect(await service.logged("not stopped in time")).toMatchObject({ hanging: "stopping http", level: 60 });
});

test("a second signal exits at once", async () => {
  const service = new ServiceUnderTest(
    "start: async () => undefined, stop: () => new Promise(() => undefined)",
    60_000,
  );
  await service.logged("started");
  service.signal("SIGTERM");
  await service.logged("stopping");
  service.signal("SIGTERM");
  expect(await service.exitCode()).toBe(1);
});

test("a failed start closes what was open, says why, and exits 1", async () => {
  const service = new ServiceUnderTest("start: async () => { throw new Error('port taken'); }, stop: async () => {}");
  expect(await service.exitCode()).toBe(1);
  expect(await service.logged("cannot start")).toMatchObject({
    during: "starting http",
    err: { message: "port taken" },
  });
  await service.logged("store closed");
});

test("a service that finds the process cannot go on stops everything, says why, and exits 1", async () => {
  const fatal = "fatal: new Promise((resolve) => setImmediate(() => resolve(new Error('not ours'))))";
  const service = new ServiceUnderTest(`${WELL}, ${fatal}`);
  expect(await service.exitCode()).toBe(1);
  expect(await service.logged("cannot go on")).toMatchObject({ level: 60, err: { message: "not ours" } });
  const messages = service.lines.map(({ msg }) => msg);
  expect(messages).toEqual(["started", "cannot go on", "http stopped", "store closed", "stopped"]);
});

test("a signal during a start that hangs still ends the process in time", async () => {
  const hangs = "start: () => { log.info('starting'); return new Promise(() => undefined); }, stop: async () => {}";
  const service = new ServiceUnderTest(hangs, 100);
  await service.logged("starting");
  service.signal("SIGTERM");
  expect(await service.exitCode()).toBe(1);
  expect(await service.logged("not stopped in time")).toMatchObject({ hanging: "starting http" });
});

test.each([
  ["uncaughtException", "setImmediate(() => { throw new Error('a bug'); })"],
  ["unhandledRejection", "Promise.reject(new Error('a bug'))"],
])("%s is logged whole and exits 1", async (event, bug) => {
  const service = new ServiceUnderTest(`start: async () => { ${bug}; }, stop: async () => {}`);
  expect(await service.exitCode()).toBe(1);
  expect(await service.logged(event)).toMatchObject({ level: 60, err: { message: "a bug" } });
});
