import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const RESPAWN_MS = 200;

/** The supervisor's end of the pipe to the guardian (see guardian.ts), which it replaces when somebody kills it. */
export class Guard {
  private readonly guarded = new Map<number, NodeJS.Signals>();
  private child: ChildProcess | null = null;
  private closed = false;

  start(): void {
    const script = fileURLToPath(new URL("./guardian.js", import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    // Writing to a guardian that was just killed is no failure of ours; its successor is told everything again.
    child.stdin.on("error", () => undefined);
    child.on("error", () => undefined);
    child.once("exit", () => {
      if (this.closed) return;
      setTimeout(() => this.closed || this.start(), RESPAWN_MS);
    });
    this.child = child;
    for (const [pid, signal] of this.guarded) this.tell(`+${pid} ${signal}`);
  }

  add(pid: number, signal: NodeJS.Signals): void {
    this.guarded.set(pid, signal);
    this.tell(`+${pid} ${signal}`);
  }

  remove(pid: number): void {
    this.guarded.delete(pid);
    this.tell(`-${pid}`);
  }

  close(): void {
    this.closed = true;
    this.child?.stdin?.end();
  }

  private tell(line: string): void {
    this.child?.stdin?.write(`${line}\n`);
  }
}
