/**
 * A log file that cannot fill the disk: past its bound it is renamed to `<file>.1`, the one before is dropped.
 * Writes are synchronous: in order, nothing queued in memory when a child floods us, nothing lost when we exit.
 */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const DEFAULT_MAX_BYTES = 10_000_000;
/** No file has this number, so a late line goes nowhere instead of into another file. */
const CLOSED = -1;

export class RotatingLog {
  private fd: number;
  private bytes: number;

  constructor(
    private readonly path: string,
    private readonly maxBytes = DEFAULT_MAX_BYTES,
  ) {
    mkdirSync(dirname(path), { recursive: true });
    this.fd = openSync(path, "a");
    this.bytes = fstatSync(this.fd).size;
  }

  /** Never throws: a full disk must not take the supervisor, and with it every service, down. */
  write(text: string): void {
    try {
      if (this.bytes >= this.maxBytes) this.rotate();
      this.bytes += writeSync(this.fd, text);
    } catch {
      // The line is lost; what it reported still shows on the terminal and in the metrics.
    }
  }

  close(): void {
    if (this.fd !== CLOSED) closeSync(this.fd);
    this.fd = CLOSED;
  }

  private rotate(): void {
    renameSync(this.path, `${this.path}.1`);
    const next = openSync(this.path, "a");
    closeSync(this.fd);
    this.fd = next;
    this.bytes = 0;
  }
}
