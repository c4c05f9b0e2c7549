/**
 * One of our services as a real process: started as users start it, killed as users kill it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort } from "@votesync/local-stack";
import { waitFor } from "./wait-for.js";

export type AppName = "vote-api" | "vote-worker" | "realtime-gateway" | "sync-scheduler" | "finalizer";

/** The variable that sets each service's port. */
const PORT_VARIABLES: Record<AppName, string> = {
  "vote-api": "VOTE_API_PORT",
  "vote-worker": "VOTE_WORKER_PORT",
  "realtime-gateway": "REALTIME_PORT",
  "sync-scheduler": "SYNC_SCHEDULER_PORT",
  finalizer: "FINALIZER_PORT",
};

const STOP_DEADLINE_MS = 12_000;
/** Starting a process is mostly the processor's work, and a busy machine may have little of it left. */
const READY_WITHIN_MS = 60_000;
const KEPT_LOG_CHARACTERS = 20_000;

export class ServiceProcess {
  private child: ChildProcess | null = null;
  private output = "";
  /** It has ended, and all of its output is here. */
  private closed = false;

  private constructor(
    readonly app: AppName,
    readonly port: number,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Starts it and waits until it is ready. */
  static async start(app: AppName, env: NodeJS.ProcessEnv): Promise<ServiceProcess> {
    const port = await freePort();
    const process = new ServiceProcess(app, port, { ...env, [PORT_VARIABLES[app]]: String(port) });
    await process.restart();
    return process;
  }

  /** Starts it, and waits until it has refused to run. @returns its exit code, and what it logged */
  static async refused(app: AppName, env: NodeJS.ProcessEnv): Promise<{ code: number | null; log: string }> {
    const port = await freePort();
    const process = new ServiceProcess(app, port, { ...env, [PORT_VARIABLES[app]]: String(port) });
    const child = process.spawn();
    const isReady = () => process.isReady(child);
    await waitFor(`${app} to refuse or to run`, () => process.closed || isReady(), READY_WITHIN_MS);
    await process.kill9();
    if (!process.closed || child.signalCode !== null) throw new Error(`${app} runs; it logged:\n${process.log}`);
    return { code: child.exitCode, log: process.log };
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    const pid = this.child?.pid;
    if (pid === undefined) throw new Error(`${this.app} is not running`);
    return pid;
  }

  /** What it logged, for the message of a failed test. */
  get log(): string {
    return this.output;
  }

  /** Starts it again on the same port, and waits until it is ready. */
  async restart(): Promise<void> {
    const child = this.spawn();
    try {
      await waitFor(`${this.app} to be ready`, () => this.isReady(child), READY_WITHIN_MS);
    } catch (error) {
      await this.kill9();
      throw new Error(`${this.app} did not become ready; it logged:\n${this.output}`, { cause: error });
    }
  }

  private spawn(): ChildProcess {
    const main = fileURLToPath(new URL(`../../../apps/${this.app}/dist/main.js`, import.meta.url));
    const child = spawn(process.execPath, [main], { env: { PATH: process.env.PATH, ...this.env } });
    this.child = child;
    this.closed = false;
    child.once("close", () => {
      this.closed = true;
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output = (this.output + text).slice(-KEPT_LOG_CHARACTERS);
      });
    }
    return child;
  }

  private async isReady(child: ChildProcess): Promise<boolean> {
    if (child.exitCode !== null) throw new Error(`exited with ${child.exitCode}`);
    const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  }

  /** Waits until it has ended by itself. @returns its exit code */
  async ended(): Promise<number | null> {
    await waitFor(`${this.app} to end`, () => this.closed, READY_WITHIN_MS);
    return this.child?.exitCode ?? null;
  }

  async kill9(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** SIGTERM; @returns the exit code. */
  async stop(): Promise<number | null> {
    return this.end("SIGTERM");
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.child;
    this.child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = once(child, "exit", { signal: AbortSignal.timeout(STOP_DEADLINE_MS) });
    child.kill(signal);
    await exited;
    return child.exitCode;
  }
}
