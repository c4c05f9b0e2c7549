const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "long" });
const UNITS: [unit: Intl.RelativeTimeFormatUnit, ms: number][] = [
  ["year", 365 * 86_400_000],
  ["month", 30 * 86_400_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** "3 hours ago"; a clock that is a little behind the server's gives "just now". */
export function age(createdAt: string, nowMs: number): string {
  const passedMs = nowMs - Date.parse(createdAt);
  for (const [unit, ms] of UNITS) {
    if (passedMs >= ms) return WORDS.format(-Math.floor(passedMs / ms), unit);
  }
  return "just now";
}
