/** What can happen, as plain values: a seed makes them, a failing history is printed as them, a scenario is written in them. */
import type { VoteType } from "@votesync/core";
import fc from "fast-check";
import { FAULTS, type Fault } from "./link.js";

export const REPLICAS = ["A", "B"] as const;
export type ReplicaName = (typeof REPLICAS)[number];
export const PROCESSES = [...REPLICAS, "worker", "scheduler"] as const;
export type ProcessName = (typeof PROCESSES)[number];
export const USERS = ["ann", "bob"] as const;
/** Of one owner each. */
export const PROJECTS = ["p", "q"] as const;
export const OWNERS = { p: "owner of p", q: "owner of q" } as const;
export type ProjectName = (typeof PROJECTS)[number];
type StoreName = "Redis" | "PostgreSQL";

export interface VoteStep {
  do: "vote";
  at: ReplicaName;
  user: (typeof USERS)[number];
  project: ProjectName;
  vote: VoteType;
  /** Its `Idempotency-Key`. */
  key?: string | undefined;
  committed?: boolean | undefined;
}

export type Step =
  | VoteStep
  | { do: "recover" | "recheck" | "restart"; at: ReplicaName }
  | { do: "fault"; of: ProcessName; to: StoreName; fault: Fault; after: number }
  | { do: "heal"; of: ProcessName }
  | { do: "clock"; at: ReplicaName; ms: number }
  | { do: PlainStep };

const PLAIN_STEPS = [
  "apply",
  "retry",
  "trim",
  "points",
  "sync",
  "reconcile",
  "evict",
  "release",
  "restart worker",
  "wipe Redis",
  "copy Redis",
  "put Redis back",
  "copy PostgreSQL",
  "put PostgreSQL back",
] as const;
type PlainStep = (typeof PLAIN_STEPS)[number];

/** A step as a line to read. */
export function describeStep(step: Step): string {
  switch (step.do) {
    case "vote": {
      const how = [step.key === undefined ? [] : [`key ${step.key}`], step.committed === true ? ["committed"] : []];
      const details = how.flat();
      const suffix = details.length === 0 ? "" : ` (${details.join(", ")})`;
      return `${step.user} votes ${step.vote} on ${step.project} at ${step.at}${suffix}`;
    }
    case "recover":
    case "recheck":
    case "restart":
      return `${step.at}: ${step.do}`;
    case "fault":
      return `${step.of} to ${step.to}: ${step.fault} after ${step.after} calls`;
    case "heal":
      return `${step.of}: links are whole again`;
    case "clock":
      return `${step.at}: the clock jumps by ${step.ms} ms`;
    default:
      return step.do;
  }
}

/** Calls of the fallback to PostgreSQL before it commits: a connection, BEGIN, two locks, one read, two writes. */
export const CALLS_BEFORE_COMMIT = 7;

/** How often each kind of step comes, relative to the others. */
interface Mix {
  /** A short history has less that hides what went wrong early. */
  maxSteps: number;
  vote: number;
  fault: number;
  faults: readonly Fault[];
  /** Whose links, and after how many calls. */
  of: readonly ProcessName[];
  to: readonly StoreName[];
  after: readonly number[];
  heal: number;
  clock: number;
  restart: number;
  plain: Partial<Record<PlainStep, number>>;
}

const CALM = {
  apply: 4,
  retry: 1,
  trim: 1,
  points: 2,
  sync: 1,
  reconcile: 1,
  evict: 1,
  release: 1,
  "restart worker": 1,
} as const;
const REDIS_LOST = { "wipe Redis": 1, "copy Redis": 2, "put Redis back": 2 } as const;
const POSTGRES_LOST = { "copy PostgreSQL": 2, "put PostgreSQL back": 2 } as const;
const SOME = {
  maxSteps: 30,
  vote: 14,
  faults: FAULTS,
  fault: 4,
  of: PROCESSES,
  to: ["Redis", "PostgreSQL"],
  after: [0, 0, 1, 2, 3, 4, 5, CALLS_BEFORE_COMMIT, 9],
  heal: 2,
  clock: 0,
  restart: 1,
  plain: CALM,
} as const;

/** A seed takes one of these: with everything in every history, most would end in the same few faults. */
const MIXES: readonly Mix[] = [
  // One replica is cut off, and users vote at both.
  {
    ...SOME,
    maxSteps: 20,
    faults: ["cut", "lose reply"],
    of: ["A"],
    to: ["Redis"],
    after: [0],
    restart: 0,
    plain: { apply: 2 },
  },
  // Everything overlaps.
  {
    ...SOME,
    maxSteps: 24,
    vote: 10,
    fault: 9,
    faults: ["hold request", "lose reply"],
    of: ["A", "A", "worker"],
    after: [0, CALLS_BEFORE_COMMIT],
    restart: 0,
    plain: { apply: 6, release: 3 },
  },
  { ...SOME, fault: 2, plain: { ...CALM, ...REDIS_LOST } },
  { ...SOME, fault: 2, plain: { ...CALM, ...POSTGRES_LOST } },
  { ...SOME, fault: 5, clock: 2 },
  { ...SOME, maxSteps: 40, clock: 1, plain: { ...CALM, ...REDIS_LOST, ...POSTGRES_LOST } },
];

const replica = fc.constantFrom(...REPLICAS);

const voteStep: fc.Arbitrary<Step> = fc.record(
  {
    do: fc.constant("vote" as const),
    at: replica,
    user: fc.constantFrom(...USERS),
    project: fc.constantFrom("p", "p", "p", "q"),
    vote: fc.constantFrom("up", "up", "none", "none", "down"),
    key: fc.constantFrom(undefined, undefined, undefined, "k", "l"),
    committed: fc.constantFrom(undefined, undefined, undefined, true),
  },
  { noNullPrototype: true },
);

const faultStep = (mix: Mix): fc.Arbitrary<Step> =>
  fc.record(
    {
      do: fc.constant("fault" as const),
      of: fc.constantFrom(...mix.of),
      to: fc.constantFrom(...mix.to),
      fault: fc.constantFrom(...mix.faults),
      after: fc.constantFrom(...mix.after),
    },
    { noNullPrototype: true },
  );

const atReplica = (...kinds: ("recover" | "recheck" | "restart")[]): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constantFrom(...kinds), at: replica }, { noNullPrototype: true });
const healStep: fc.Arbitrary<Step> = fc.record(
  { do: fc.constant("heal" as const), of: fc.constantFrom(...PROCESSES) },
  { noNullPrototype: true },
);
const clockStep: fc.Arbitrary<Step> = fc.record(
  { do: fc.constant("clock" as const), at: replica, ms: fc.constantFrom(-3_000, -200, 200, 3_000) },
  { noNullPrototype: true },
);

const RECOVER_WEIGHT = 4;

/** The steps of one history. @param seed picks the mix; which steps they are is fast-check's to draw */
export function historyOf(seed: number, maxSteps = Number.POSITIVE_INFINITY): fc.Arbitrary<Step[]> {
  const mix = MIXES[seed % MIXES.length] as Mix;
  const plain = Object.entries(mix.plain).map(([name, weight]) => ({
    weight,
    arbitrary: fc.constant<Step>({ do: name as PlainStep }),
  }));
  const step = fc.oneof(
    { weight: mix.vote, arbitrary: voteStep },
    { weight: mix.fault, arbitrary: faultStep(mix) },
    { weight: mix.heal, arbitrary: healStep },
    { weight: mix.clock, arbitrary: clockStep },
    { weight: mix.restart, arbitrary: atReplica("restart") },
    { weight: RECOVER_WEIGHT, arbitrary: atReplica("recover", "recheck") },
    ...plain,
  );
  return fc.array(step, { maxLength: Math.min(maxSteps, mix.maxSteps), size: "max" });
}
