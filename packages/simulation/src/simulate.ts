/** Histories by seed: each alone decides what happens, and a failing one is made as short as it can be. */
import fc from "fast-check";
import { CHECKS, type Check, type Violation } from "./model.js";
import { describeStep, historyOf, type Step } from "./steps.js";
import type { TwoStores } from "./two-stores.js";
import { World } from "./world.js";

const SHRINK_MS = 60_000;

export interface Failure {
  seed: number;
  /** As few as still fail. */
  steps: Step[];
  violations: readonly Violation[];
}

class ViolationError extends Error {
  override readonly name = "ViolationError";
  constructor(readonly violations: readonly Violation[]) {
    super("the stores do not stand by what users were told");
  }
}

export interface HistoryOptions {
  /** Fewer than the seed's kind of history has. */
  maxSteps?: number | undefined;
  /** Makes a failing history as short as it can be. Default: yes. */
  shrink?: boolean | undefined;
}

/** @returns `null` when the history of this seed is as it should be */
export async function simulate(
  stores: TwoStores,
  seed: number,
  { maxSteps, shrink = true }: HistoryOptions = {},
): Promise<Failure | null> {
  let gravest: Check | undefined;
  const property = fc.asyncProperty(historyOf(seed, maxSteps), async (steps) => {
    const violations = await World.run(stores, steps);
    const broken = new Set(violations.map(({ check }) => check));
    gravest ??= CHECKS.find((check) => broken.has(check));
    if (gravest !== undefined && broken.has(gravest)) throw new ViolationError(violations);
  });
  const result = await fc.check(property, {
    seed,
    numRuns: 1,
    unbiased: true,
    endOnFailure: !shrink,
    interruptAfterTimeLimit: SHRINK_MS,
    markInterruptAsFailure: false,
  });
  if (!result.failed) return null;
  const error = result.errorInstance;
  if (!(error instanceof ViolationError)) throw error;
  return { seed, steps: result.counterexample?.[0] ?? [], violations: error.violations };
}

/** For a person who has to find out why. */
export function describeFailure({ seed, steps, violations }: Failure): string {
  const lines = steps.map((step, i) => `  ${String(i + 1).padStart(2)}. ${describeStep(step)}`);
  const found = violations.map(({ check, what }) => `  ${check}: ${what}`);
  return [`seed ${seed}, ${steps.length} steps:`, ...lines, "broken:", ...found].join("\n");
}

export interface SimulationOptions extends HistoryOptions {
  firstSeed: number;
  histories: number;
  /** After so many no new history begins. */
  maxFailures?: number;
  onFailure?: (failure: Failure) => void;
  onProgress?: (done: number) => void;
}

/** The histories of successive seeds, on each of these stores one after the other. */
export async function simulateMany(
  worlds: readonly TwoStores[],
  options: SimulationOptions,
): Promise<{ done: number; failures: Failure[] }> {
  const { firstSeed, histories, maxFailures = Number.POSITIVE_INFINITY, onFailure, onProgress } = options;
  const failures: Failure[] = [];
  let begun = 0;
  let done = 0;
  const work = async (stores: TwoStores) => {
    while (begun < histories && failures.length < maxFailures) {
      const failure = await simulate(stores, firstSeed + begun++, options);
      if (failure !== null) {
        failures.push(failure);
        onFailure?.(failure);
      }
      onProgress?.(++done);
    }
  };
  await Promise.all(worlds.map(work));
  return { done, failures: failures.sort((a, b) => a.seed - b.seed) };
}
