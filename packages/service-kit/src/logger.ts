import { type Logger, pino, stdTimeFunctions } from "pino";

export type { Logger } from "pino";

/** JSON lines on stdout, one per event; whoever runs the process decides where they go. */
export function createLogger(o: { service: string; level: string }): Logger {
  return pino({
    level: o.level,
    base: { service: o.service, pid: process.pid },
    timestamp: stdTimeFunctions.isoTime,
    redact: ["token", "authorization", "*.token", "*.authorization"],
  });
}
