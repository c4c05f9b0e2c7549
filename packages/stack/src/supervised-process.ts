/**
 * One program that is kept running: started, watched, started again when it dies, stopped with its own signal.
 *
 * No supervisor library fits: pm2 is AGPL and a daemon of its own, and the smaller ones neither tell a start that is
 * ready from one that only began, nor stop databases by the signal each wants.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Guard } from "./guard.js";
import { StackError, type StackLog } from "./log.js";
import { forgetProcess, rememberProcess } from "./running-processes.js";

export interface Program {
  name: string;
  command: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  uid?: number | undefined;
  gid?: number | undefined;
  /** What ends it in good order; SIGTERM when left out. */
  stopSignal?: NodeJS.Signals;
  /** Part of its command line that nobody else's has. */
  marker: string;
  /** Rejects until the program can do its work. */
  probe: () => Promise<void>;
  readyWithinMs?: number;
}

export interface SupervisedProcessOptions {
  dataDir: string;
  log: StackLog;
  /** Start it again when it dies. */
  restart: boolean;
  guard?: Guard | undefined;
  /** Each line the program writes. */
  onLine?: ((line: string) => void) | undefined;
}

const READY_WITHIN_MS = 30_000;
const PROBE_MS = 25;
const STOP_WITHIN_MS = 10_000;
const FIRST_RESTART_MS = 100;
const MAX_RESTART_MS = 1_000;
/** Having run so long, the next death is a new story and not a crash loop. */
const STEADY_MS = 10_000;
const KEPT_LINES = 20;

export class SupervisedProcess {
  private child: ChildProcess | null = null;
  private wanted = false;
  private startedAt = 0;
  private restartMs = FIRST_RESTART_MS;
  private lastLines: string[] = [];

  constructor(
    readonly program: Program,
    private readonly options: SupervisedProcessOptions,
  ) {}

  get name(): string {
    return this.program.name;
  }

  /** `null` while it is down. */
  get pid(): number | null {
    return this.child?.pid ?? null;
  }

  /** Starts it and waits until it is ready. @throws {StackError} with its last words */
  async start(): Promise<void> {
    this.wanted = true;
    this.spawn();
    await this.ready();
  }

  async ready(): Promise<void> {
    const deadline = Date.now() + (this.program.readyWithinMs ?? READY_WITHIN_MS);
    while (Date.now() < deadline) {
      const probed = await this.program.probe().then(
        () => true,
        () => false,
      );
      if (probed && this.child !== null) return;
      if (this.child === null && !this.options.restart) break;
      await delay(PROBE_MS);
    }
    await this.stop();
    throw new StackError(`${this.name} did not become ready. Its last words:\n  ${this.lastLines.join("\n  ")}`);
  }

  async stop(): Promise<void> {
    this.wanted = false;
    await this.end(this.program.stopSignal ?? "SIGTERM");
  }

  /** As a crash would. With `restart` it comes back by itself. */
  async kill9(): Promise<void> {
    await this.end("SIGKILL");
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (child === null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    const slow = await Promise.race([exited.then(() => false), delay(STOP_WITHIN_MS, true, { ref: false })]);
    if (!slow) return;
    this.options.log.warn({ name: this.name }, "does not stop; killing it");
    child.kill("SIGKILL");
    await exited;
  }

  private spawn(): void {
    const { command, args, env, uid, gid } = this.program;
    const ids = uid === undefined || gid === undefined ? {} : { uid, gid };
    // A process group of its own: Ctrl-C on the terminal reaches the supervisor alone, which stops things in order.
    const child = spawn(command, args, {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      ...(env && { env }),
      ...ids,
    });
    this.child = child;
    this.startedAt = Date.now();
    for (const stream of [child.stdout, child.stderr]) this.readLines(stream);
    child.once("error", (error) => this.lastLines.push(error.message));
    child.once("exit", (code, signal) => void this.onExit(child, signal ?? `code ${code}`));
    if (child.pid === undefined) {
      this.child = null;
      return;
    }
    this.options.guard?.add(child.pid, this.program.stopSignal ?? "SIGTERM");
    const running = { pid: child.pid, marker: this.program.marker };
    void rememberProcess(this.options.dataDir, this.name, running).catch(() => undefined);
  }

  private readLines(stream: NodeJS.ReadableStream): void {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.lastLines = [...this.lastLines, line].slice(-KEPT_LINES);
        this.options.onLine?.(line);
      }
    });
  }

  private async onExit(child: ChildProcess, how: string): Promise<void> {
    this.child = null;
    if (child.pid !== undefined) this.options.guard?.remove(child.pid);
    if (!this.wanted) return forgetProcess(this.options.dataDir, this.name);
    if (!this.options.restart) return;
    this.options.log.warn({ how }, `${this.name} ended; starting it again`);
    if (Date.now() - this.startedAt > STEADY_MS) this.restartMs = FIRST_RESTART_MS;
    await delay(this.restartMs);
    this.restartMs = Math.min(MAX_RESTART_MS, this.restartMs * 2);
    if (this.wanted && this.child === null) this.spawn();
  }
}
