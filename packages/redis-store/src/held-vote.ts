/** A field's value in the hash of who voted what: `<vote>:<version>:<given at, µs>`. */
import { type VoteType, voteTypeSchema } from "@votesync/core";

export interface HeldVote {
  voteType: VoteType;
  /** The stamp of the wish. */
  version: number;
  givenAtUs: number;
}

export function heldVote({ voteType, version, givenAtUs }: HeldVote): string {
  return `${voteType}:${version}:${givenAtUs}`;
}

/** @returns `null` for what is no vote: somebody was at Redis by hand */
export function parseHeldVote(text: string): HeldVote | null {
  const [, vote, version, givenAtUs] = /^(\w+):(\d+):(\d+)$/.exec(text) ?? [];
  const voteType = voteTypeSchema.safeParse(vote);
  return voteType.success ? { voteType: voteType.data, version: Number(version), givenAtUs: Number(givenAtUs) } : null;
}
