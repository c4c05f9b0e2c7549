import { type Logger, pino } from "pino";

export interface KeptLog {
  log: Logger;
  lines: Record<string, unknown>[];
}

/** A real logger whose lines a test can read. */
export function keptLog(): KeptLog {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>);
  return { log: pino({}, { write }), lines };
}
