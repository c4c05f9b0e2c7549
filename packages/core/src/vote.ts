import { z } from "zod";

/** What a user may wish for, and what an event records. `none` takes a vote back. */
export const VOTE_TYPES = ["up", "down", "none"] as const;
export const voteTypeSchema = z.enum(VOTE_TYPES);
export type VoteType = z.infer<typeof voteTypeSchema>;

/** What a vote did. `unchanged` wrote nothing. */
const VOTE_ACTIONS = ["created", "changed", "removed", "unchanged"] as const;
export const voteActionSchema = z.enum(VOTE_ACTIONS);
export type VoteAction = z.infer<typeof voteActionSchema>;

export interface VoteCounts {
  upvotes: number;
  downvotes: number;
}

/** How one vote moves a project's counters. */
export interface VoteTransition {
  action: VoteAction;
  upvotesDelta: -1 | 0 | 1;
  downvotesDelta: -1 | 0 | 1;
}

const isUp = (vote: VoteType) => (vote === "up" ? 1 : 0);
const isDown = (vote: VoteType) => (vote === "down" ? 1 : 0);

/**
 * The rule of voting, in one place: what asking for `wanted` does to a user who stands at `current`.
 * `cast-vote.lua` is the same rule inside Redis; a property test holds the two against each other.
 */
export function voteTransition(current: VoteType, wanted: VoteType): VoteTransition {
  return {
    action: actionOf(current, wanted),
    upvotesDelta: (isUp(wanted) - isUp(current)) as -1 | 0 | 1,
    downvotesDelta: (isDown(wanted) - isDown(current)) as -1 | 0 | 1,
  };
}

function actionOf(current: VoteType, wanted: VoteType): VoteAction {
  if (current === wanted) return "unchanged";
  if (wanted === "none") return "removed";
  return current === "none" ? "created" : "changed";
}

/** `voteCount` of the API: up-votes minus down-votes. */
export function voteCount(counts: VoteCounts): number {
  return counts.upvotes - counts.downvotes;
}

/** `user_vote` of the API: `null` where the user has no vote. */
export function userVote(vote: VoteType): "up" | "down" | null {
  return vote === "none" ? null : vote;
}

/**
 * A project's next version, in microseconds since 1970. It grows with every change even when the clock stands or
 * goes back, and stays ahead of old ones after Redis lost its data, which a plain counter would not.
 */
export function nextVersion(lastVersion: number, nowUs: number): number {
  return Math.max(lastVersion + 1, nowUs);
}
