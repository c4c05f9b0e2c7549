/** Dates as `YYYY-MM-DD`, without a time zone: which day it is somewhere, the server says. */
const DAY_MS = 86_400_000;
const PATH = /^\/launch(?:\/(\d{4}-\d{2}-\d{2}))?\/?$/;

export function dayBefore(date: string): string {
  return new Date(Date.parse(date) - DAY_MS).toISOString().slice(0, 10);
}

const WORDS = new Intl.DateTimeFormat("en", { dateStyle: "full", timeZone: "UTC" });

/** "Monday, January 15, 2024" */
export const dayInWords = (date: string): string => WORDS.format(Date.parse(date));

/** Which launch day an address asks for. @returns `undefined` for another page, `null` for today */
export function launchDateOf(pathname: string): string | null | undefined {
  const match = PATH.exec(pathname);
  if (match === null || Number.isNaN(Date.parse(match[1] ?? "2000-01-01"))) return undefined;
  return match[1] ?? null;
}
