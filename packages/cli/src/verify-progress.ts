/**
 * How far a verification is, on stderr. In a terminal one line is rewritten; elsewhere a line is added every ten seconds, so
 * that a log of a long run stays short.
 */
import type { VerifyReport } from "@votesync/reconcile";

const TERMINAL_EVERY_MS = 500;
const LOG_EVERY_MS = 10_000;
const CLEAR_LINE = "\r\u001b[K";

export interface VerifyProgress {
  at: (report: VerifyReport) => void;
  end: () => void;
}

export const SILENT: VerifyProgress = { at: () => undefined, end: () => undefined };

/** @param all how many projects there are */
export function createVerifyProgress(all: number): VerifyProgress {
  const { isTTY } = process.stderr;
  const startedAtMs = performance.now();
  const everyMs = isTTY ? TERMINAL_EVERY_MS : LOG_EVERY_MS;
  let nextAtMs = startedAtMs + everyMs;
  return {
    at: (report) => {
      const nowMs = performance.now();
      if (nowMs < nextAtMs) return;
      nextAtMs = nowMs + everyMs;
      const line = progressLine(report, all, (nowMs - startedAtMs) / 1_000);
      process.stderr.write(isTTY ? `${CLEAR_LINE}${line}` : `${line}\n`);
    },
    end: () => void (isTTY && process.stderr.write(CLEAR_LINE)),
  };
}

export function progressLine({ projects, rows }: VerifyReport, all: number, seconds: number): string {
  const share = all === 0 ? 100 : Math.min(100, Math.floor((100 * projects) / all));
  const perSecond = (count: number) =>
    `${count.toLocaleString("en")} (${Math.round(count / seconds).toLocaleString("en")}/s)`;
  return `${share} % verified: projects ${perSecond(projects)}, votes ${perSecond(rows)}`;
}
