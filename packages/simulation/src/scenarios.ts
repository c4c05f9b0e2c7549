/**
 * Histories that once failed, as short as they could be made. They stay although seeds change their meaning whenever a step is
 * added to what a seed may draw.
 */
import type { VoteType } from "@votesync/core";
import type { Fault } from "./link.js";
import { CALLS_BEFORE_COMMIT, type ProcessName, type ReplicaName, type Step, type VoteStep } from "./steps.js";

export interface Scenario {
  name: string;
  steps: Step[];
}

const vote = (
  user: "ann" | "bob",
  wish: VoteType,
  at: ReplicaName,
  more: Pick<Partial<VoteStep>, "key" | "committed"> = {},
): Step => ({ do: "vote", at, user, project: "p", vote: wish, ...more });
const fault = (of: ProcessName, to: "Redis" | "PostgreSQL", kind: Fault, after = 0): Step => ({
  do: "fault",
  of,
  to,
  fault: kind,
  after,
});
const cutOff = (of: ProcessName) => fault(of, "Redis", "cut");
const heal = (of: ProcessName): Step => ({ do: "heal", of });
/** Votes on a cold project find all that PostgreSQL has. */
const LOADED = vote("bob", "down", "B");
const apply: Step = { do: "apply" };
const release: Step = { do: "release" };

export const SCENARIOS: Scenario[] = [
  {
    name: "a vote taken back in Redis, which never knew of it, stays taken back when the vote past Redis arrives",
    steps: [LOADED, cutOff("A"), vote("ann", "up", "A"), vote("ann", "none", "B")],
  },
  {
    name: "a vote confirmed in Redis stands, though it was taken back past Redis before that",
    steps: [vote("ann", "up", "B"), apply, cutOff("A"), vote("ann", "none", "A"), vote("ann", "up", "B")],
  },
  {
    name: "a vote that changes nothing is committed only once PostgreSQL says the same",
    steps: [vote("ann", "down", "A"), vote("ann", "down", "A", { committed: true }), vote("ann", "up", "A")],
  },
  {
    name: "a vote that Redis lost is not committed because later ones are",
    steps: [vote("ann", "up", "A", { committed: true }), { do: "put Redis back" }, vote("ann", "up", "A"), apply],
  },
  {
    name: "a vote lost with a Redis that was wiped is not committed because the votes of others are",
    steps: [
      vote("ann", "up", "A", { committed: true }),
      { do: "wipe Redis" },
      vote("bob", "up", "B"),
      apply,
      vote("bob", "none", "B"),
      apply,
    ],
  },
  {
    name: "a request that both stores took, because Redis's reply was lost, gives its points once",
    steps: [LOADED, fault("A", "Redis", "lose reply"), vote("ann", "up", "A")],
  },
  {
    name: "a vote past Redis and the same user's vote in Redis give points for one of them",
    steps: [vote("ann", "up", "B"), cutOff("A"), vote("bob", "up", "A"), vote("bob", "up", "B")],
  },
  {
    name: "PostgreSQL put back to a copy older than the streams: what Redis has is brought over",
    steps: [vote("ann", "up", "A"), apply, { do: "put PostgreSQL back" }],
  },
  {
    name: "PostgreSQL put back before any event was applied: a vote past Redis that Redis has loaded is brought over",
    steps: [cutOff("B"), vote("bob", "up", "B"), vote("ann", "up", "A"), { do: "put PostgreSQL back" }],
  },
  {
    name: "PostgreSQL put back: its worker does not wait for new events to apply again what is missing",
    steps: [
      vote("ann", "up", "A"),
      apply,
      { do: "copy PostgreSQL" },
      vote("ann", "none", "A"),
      apply,
      { do: "put PostgreSQL back" },
    ],
  },
  {
    name: "PostgreSQL put back to a copy older than trimmed streams: what Redis has loaded is not overwritten",
    steps: [
      vote("bob", "up", "B"),
      apply,
      { do: "copy PostgreSQL" },
      vote("ann", "up", "A", { committed: true }),
      apply,
      { do: "points" },
      vote("bob", "none", "A"),
      apply,
      { do: "points" },
      { do: "trim" },
      { do: "put PostgreSQL back" },
      { do: "recheck", at: "A" },
    ],
  },
  {
    name: "Redis put back to a copy that knew the leaderboards: they are those of the rows",
    steps: [
      vote("ann", "up", "A"),
      apply,
      { do: "points" },
      { do: "sync" },
      { do: "copy Redis" },
      vote("bob", "up", "A"),
      apply,
      { do: "points" },
      { do: "put Redis back" },
    ],
  },
  {
    name: "Redis put back before leaderboards were synced for the first time: they are those of the rows",
    steps: [vote("ann", "up", "A"), apply, { do: "put Redis back" }],
  },
  {
    name: "Redis wiped before leaderboards were synced for the first time: they are those of the rows",
    steps: [vote("ann", "up", "A"), apply, { do: "wipe Redis" }],
  },
  {
    name: "the worker waits for the fallback of the same request: the request is one event",
    steps: [
      LOADED,
      fault("A", "Redis", "lose reply"),
      fault("A", "PostgreSQL", "hold request", CALLS_BEFORE_COMMIT),
      vote("ann", "up", "A"),
      apply,
      release,
    ],
  },
  {
    name: "an Idempotency-Key that Redis answered acts no second time past Redis",
    steps: [vote("ann", "up", "A", { key: "k" }), cutOff("A"), vote("ann", "up", "A", { key: "k" })],
  },
  {
    name: "an Idempotency-Key answered past Redis acts no second time in Redis before it is recovered",
    steps: [cutOff("A"), vote("ann", "up", "A", { key: "k" }), vote("ann", "up", "B", { key: "k" })],
  },
  {
    name: "an Idempotency-Key answered past Redis acts no second time in Redis after the link is whole again",
    steps: [cutOff("A"), vote("ann", "up", "A", { key: "k" }), heal("A"), vote("ann", "up", "A", { key: "k" })],
  },
  {
    name: "two clicks at once under one key, one in each store, are one vote",
    steps: [
      LOADED,
      cutOff("A"),
      fault("A", "PostgreSQL", "hold request", CALLS_BEFORE_COMMIT),
      vote("ann", "up", "A", { key: "k" }),
      vote("ann", "up", "B", { key: "k" }),
      release,
    ],
  },
  {
    name: "Redis put back while its shard is behind: the project that must be read anew is, and nobody has to vote for that",
    steps: [
      vote("ann", "up", "A"),
      { do: "copy Redis" },
      vote("ann", "down", "A"),
      apply,
      { do: "put Redis back" },
      vote("ann", "up", "A"),
    ],
  },
  {
    name: "PostgreSQL put back to a copy older than trimmed streams: the project can be loaded again",
    steps: [vote("bob", "up", "A"), vote("bob", "none", "A"), apply, { do: "trim" }, { do: "put PostgreSQL back" }],
  },
  {
    name: "a stream that is trimmed before its points were ever read: the points are given nevertheless",
    steps: [vote("ann", "up", "A"), vote("bob", "up", "A"), apply, { do: "trim" }],
  },
];
