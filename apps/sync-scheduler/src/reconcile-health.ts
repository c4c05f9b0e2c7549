/** Passes are the point of this service: health looks at whether they get through, not at whether a loop runs. */
const MISSED_INTERVALS = 5;
/** A pass over a large backlog may take a while even when intervals are short. */
const MIN_PATIENCE_MS = 30_000;

const startedAtMs = performance.now();

/** @throws when no pass got through for too long */
export async function checkPass(ageMs: number | null, intervalMs: number): Promise<Record<string, unknown>> {
  const sinceMs = ageMs ?? performance.now() - startedAtMs;
  const patienceMs = Math.max(MIN_PATIENCE_MS, MISSED_INTERVALS * intervalMs);
  if (sinceMs > patienceMs) throw new Error(`no pass got through for ${Math.round(sinceMs / 1_000)} s`);
  return { last_pass_s: ageMs === null ? null : Math.round(ageMs / 1_000) };
}
