import type { Terminal } from "./terminal.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** Package managers pass a Ctrl-C on that the terminal has already sent us: one press may arrive twice. */
const SAME_PRESS_MS = 1_000;

/** The first signal asks for an orderly stop; another one, later, ends everything at once. */
export class StopSignals {
  readonly first: Promise<void>;
  /** Aborted by the first one, for a start that is still under way. */
  readonly aborted: AbortSignal;
  private firstAt: number | null = null;

  constructor(private readonly terminal: Terminal) {
    const controller = new AbortController();
    this.aborted = controller.signal;
    this.first = new Promise((resolve) => {
      for (const name of SIGNALS) {
        process.on(name, () => {
          if (this.isSecond()) this.exitNow();
          controller.abort(new Error(`stopped by ${name}`));
          resolve();
        });
      }
    });
  }

  private isSecond(): boolean {
    const now = Date.now();
    this.firstAt ??= now;
    return now - this.firstAt > SAME_PRESS_MS;
  }

  /** What still runs is killed on exit (owned-process.ts). */
  private exitNow(): void {
    this.terminal.line("! second signal: ending everything at once");
    process.exit(1);
  }
}
