/**
 * What of a service's output a person at the terminal should see: warnings and errors of its JSON log, in one line
 * each, and whatever it wrote to stderr. Everything is in the log file; a flood here is cut off and counted.
 */

const WARN_LEVEL = 40;
const LEVEL_NAMES: Record<number, string> = { 40: "warn", 50: "error", 60: "fatal" };
const MAX_LINE_CHARACTERS = 400;
const MAX_LINES_PER_WINDOW = 10;
const WINDOW_MS = 2_000;
/** A longer line without an end is not a log line. */
const MAX_BUFFERED_CHARACTERS = 100_000;
const COMMON_FIELDS = new Set(["level", "time", "service", "pid", "hostname", "msg"]);

export type OutputListener = (text: string, stream: "stdout" | "stderr") => void;

export function createServiceLines(o: {
  name: string;
  logPath: string;
  print: (line: string) => void;
  nowMs?: () => number;
}): OutputListener {
  const rest = { stdout: "", stderr: "" };
  const print = limited(o);
  return (text, stream) => {
    const lines = (rest[stream] + text).split("\n");
    rest[stream] = (lines.pop() ?? "").slice(-MAX_BUFFERED_CHARACTERS);
    for (const line of lines) {
      const shown = stream === "stderr" ? (compact(line) ?? line) : compact(line);
      if (shown) print(`${o.name}: ${shown.slice(0, MAX_LINE_CHARACTERS)}`);
    }
  };
}

/** @returns null for what is no warning or no JSON */
function compact(line: string): string | null {
  if (!line.startsWith("{")) return null;
  try {
    const entry = JSON.parse(line) as Record<string, unknown>;
    if (typeof entry.level !== "number" || entry.level < WARN_LEVEL) return null;
    const info = Object.entries(entry).filter(([name]) => !COMMON_FIELDS.has(name));
    const details = info.map(([name, value]) => `${name}=${oneWord(value)}`).join(" ");
    return `${LEVEL_NAMES[entry.level] ?? entry.level} ${String(entry.msg ?? "")} ${details}`.trimEnd();
  } catch {
    return null;
  }
}

function oneWord(value: unknown): string {
  const { message } = (typeof value === "object" && value !== null ? value : {}) as { message?: unknown };
  return JSON.stringify(typeof message === "string" ? message : value) ?? "";
}

function limited(o: { name: string; logPath: string; print: (line: string) => void; nowMs?: () => number }) {
  const nowMs = o.nowMs ?? Date.now;
  let windowStart = Number.NEGATIVE_INFINITY;
  let printed = 0;
  return (line: string) => {
    if (nowMs() - windowStart > WINDOW_MS) {
      const hidden = printed - MAX_LINES_PER_WINDOW;
      if (hidden > 0) o.print(`${o.name}: … and ${hidden} more, see ${o.logPath}`);
      windowStart = nowMs();
      printed = 0;
    }
    printed++;
    if (printed <= MAX_LINES_PER_WINDOW) o.print(line);
  };
}
