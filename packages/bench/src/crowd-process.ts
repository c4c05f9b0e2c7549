/** Processes that are asked one question after another, and what the crowd of crowd-clients.ts says. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const ANSWER_DEADLINE_MS = 60_000;

export type CrowdQuestion = "begin" | "report";

export interface Counts {
  upvotes: number;
  downvotes: number;
  version: number;
}

/** What came since it was told to begin. */
export interface CrowdReport {
  seconds: number;
  deliveries: number;
  /** Of any socket. */
  mostWithinASecond: number;
  /** The last counts of all sockets, each once. */
  lasts: (Counts | null)[];
  /** Of some sockets: versions, and when they came, milliseconds since 1970. */
  samples: { versions: number[]; atMs: number[] }[];
}

export class AskedProcess {
  private readonly ended: Promise<never>;

  private constructor(private readonly child: ChildProcess) {
    this.ended = once(child, "exit").then(([code]) => {
      throw new Error(`a process of the benchmark ended with ${code}`);
    });
    // An end that nobody waits for is none to be told.
    this.ended.catch(() => undefined);
  }

  /** Resolves once it says that it is ready. */
  static async start(script: string, args: string[]): Promise<AskedProcess> {
    const asked = new AskedProcess(fork(fileURLToPath(new URL(script, import.meta.url)), args));
    await asked.next();
    return asked;
  }

  ask<T>(question: string): Promise<T> {
    const answer = this.next<T>();
    this.child.send(question);
    return answer;
  }

  stop(): void {
    this.child.kill();
  }

  private next<T>(): Promise<T> {
    const message = once(this.child, "message", { signal: AbortSignal.timeout(ANSWER_DEADLINE_MS) });
    return Promise.race([message.then(([answer]) => answer as T), this.ended]);
  }
}
