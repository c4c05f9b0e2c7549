import { createWriteStream, mkdirSync, renameSync, statSync, type WriteStream } from "node:fs";
import { join } from "node:path";

const MAX_LOG_BYTES = 20_000_000;
const WARN = 40;

/** A service's log goes to a file; what an operator should see at once also to the terminal. */
export class ServiceLog {
  private stream: WriteStream;
  private written = 0;

  constructor(
    private readonly name: string,
    dataDir: string,
    private readonly show: (line: string) => void,
  ) {
    mkdirSync(join(dataDir, "logs"), { recursive: true });
    this.path = join(dataDir, "logs", `${name}.log`);
    this.stream = this.open();
  }

  private readonly path: string;

  write(line: string): void {
    this.stream.write(`${line}\n`);
    this.written += line.length + 1;
    if (this.written > MAX_LOG_BYTES) this.rotate();
    const shown = importantPart(line);
    if (shown !== null) this.show(`${this.name}: ${shown}`);
  }

  close(): void {
    this.stream.end();
  }

  private open(): WriteStream {
    this.written = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    return createWriteStream(this.path, { flags: "a" });
  }

  /** One old file is kept. */
  private rotate(): void {
    this.stream.end();
    renameSync(this.path, `${this.path}.1`);
    this.stream = this.open();
  }
}

/** The message of a warning or worse; a line that is no log entry (a crash) is shown whole. */
function importantPart(line: string): string | null {
  if (line.trim() === "") return null;
  try {
    const { level, msg, err } = JSON.parse(line) as {
      level?: number;
      msg?: string;
      err?: { message?: string } | string;
    };
    if (level === undefined || level < WARN) return null;
    const why = typeof err === "string" ? err : err?.message;
    return why === undefined ? (msg ?? line) : `${msg}: ${why}`;
  } catch {
    return line;
  }
}
