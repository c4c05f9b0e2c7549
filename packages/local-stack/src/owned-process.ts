/**
 * A child of ours: spawned in a session of its own (Ctrl-C on the terminal reaches only us, who stop things in order),
 * bound to our life (lifeline.ts), recorded for the next start (process-record.ts), its output kept in a bounded file.
 * `stop()` may be called at any time and more than once; `exited` resolves however it ended.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { findSetpriv, type Lifeline, pipeLifeline } from "./lifeline.js";
import { removeRecord, writeRecord } from "./process-record.js";
import { RotatingLog } from "./rotating-log.js";
import { settlesWithin } from "./wait-until.js";

const TAIL_CHARACTERS = 4_000;
/** A grandchild may keep the pipes open for longer than we care. */
const DRAIN_DEADLINE_MS = 500;

export interface OwnedProcessOptions {
  name: string;
  dataDir: string;
  /** The program and its arguments. */
  command: string[];
  env: NodeJS.ProcessEnv;
  cwd?: string;
  /** Runs as this user (only root may ask for that). */
  runAs?: RunAs | undefined;
  stopSignal: NodeJS.Signals;
  stopDeadlineMs: number;
  logPath: string;
  onOutput?: ((text: string, stream: "stdout" | "stderr") => void) | undefined;
  /** Only for tests: use this instead of what fits the machine. */
  lifeline?: Lifeline | undefined;
}

export interface RunAs {
  uid: number;
  gid: number;
  /** Lets that user pass folders only root may enter, such as a checkout below /root. Needs setpriv. */
  ignoresFilePermissions: boolean;
}

const alive = new Set<ChildProcess>();

// Whatever ends us without a proper stop (a second Ctrl-C, a bug): nothing stays behind.
process.on("exit", killAllChildren);

export function killAllChildren(): void {
  for (const child of alive) child.kill("SIGKILL");
}

export class OwnedProcess {
  readonly pid: number;
  /** Resolves with how it ended: "exit code 1", "signal SIGKILL". */
  readonly exited: Promise<string>;
  private readonly drained: Promise<void>;
  private tail = "";
  private ended = false;
  private stopping: Promise<void> | undefined;

  private constructor(
    readonly o: OwnedProcessOptions,
    private readonly child: ChildProcess & { pid: number },
  ) {
    this.pid = child.pid;
    const log = new RotatingLog(o.logPath);
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.setEncoding("utf8").on("data", (text: string) => {
        log.write(text);
        this.tail = (this.tail + text).slice(-TAIL_CHARACTERS);
        o.onOutput?.(text, name);
      });
    }
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(this.noteEnd(code, signal)));
    });
    this.drained = new Promise((resolve) => {
      child.once("close", () => {
        log.close();
        resolve();
      });
    });
  }

  private async noteEnd(code: number | null, signal: NodeJS.Signals | null): Promise<string> {
    this.ended = true;
    alive.delete(this.child);
    this.o.lifeline?.release(this.pid);
    await removeRecord(this.o.dataDir, this.o.name, this.pid).catch(() => undefined);
    return signal === null ? `exit code ${code}` : `signal ${signal}`;
  }

  /** @throws when the program cannot be run at all */
  static async spawn(options: OwnedProcessOptions): Promise<OwnedProcess> {
    const setpriv = options.lifeline === undefined ? findSetpriv() : null;
    const lifeline = options.lifeline ?? (setpriv === null ? pipeLifeline() : undefined);
    const [program, ...args] = wrapped(options, setpriv);
    if (program === undefined) throw new Error(`${options.name}: no command`);
    const child = spawn(program, args, {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: options.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(setpriv === null && options.runAs ? { uid: options.runAs.uid, gid: options.runAs.gid } : {}),
    });
    await once(child, "spawn");
    // A signal that came too late; "exit" tells all we need.
    child.on("error", () => undefined);
    const { pid } = child;
    if (pid === undefined) throw new Error(`${program} did not start`);
    alive.add(child);
    lifeline?.guard(pid);
    const owned = new OwnedProcess({ ...options, lifeline }, Object.assign(child, { pid }));
    await writeRecord(options.dataDir, options.name, pid);
    return owned;
  }

  get hasEnded(): boolean {
    return this.ended;
  }

  /** The end of what it printed, for an error message. */
  async lastOutput(): Promise<string> {
    if (this.ended) await settlesWithin(this.drained, DRAIN_DEADLINE_MS);
    return this.tail.trim();
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.ended) this.child.kill(signal);
  }

  /** Asks it to end, then makes it end. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private async end(): Promise<void> {
    this.kill(this.o.stopSignal);
    if (!(await settlesWithin(this.exited, this.o.stopDeadlineMs))) this.kill("SIGKILL");
    await this.exited;
  }
}

/** The command as the kernel gets it: bound to our life and run as the wanted user, which setpriv then becomes. */
function wrapped(o: OwnedProcessOptions, setpriv: string | null): string[] {
  if (setpriv === null) return o.command;
  const user = o.runAs ? ["--reuid", String(o.runAs.uid), "--regid", String(o.runAs.gid), "--clear-groups"] : [];
  const capability = "+dac_override";
  const passing = o.runAs?.ignoresFilePermissions ? ["--inh-caps", capability, "--ambient-caps", capability] : [];
  return [setpriv, "--pdeathsig", "KILL", ...user, ...passing, "--", ...o.command];
}
