/**
 * What a client knows of one project's votes, and the rules by which it changes. Pure.
 *
 * - Of two counts the one with the higher version is right, in whatever order they arrive.
 * - A click shows at once, as a wish laid over the counts it was made on. Newer counts may contain that vote already
 *   and nobody can tell, so they are shown as they are: what is shown may be late by one vote, never double.
 */
export type Vote = "up" | "down";

export interface Counts {
  upvotes: number;
  downvotes: number;
  voteCount: number;
  version: number;
}

/** A clicked vote the server has not answered yet; `null` takes the vote back. */
export interface Wish {
  vote: Vote | null;
  /** Version of the counts it was made on. */
  madeOn: number;
}

export interface ProjectVotes {
  /** The newest the server has told. */
  counts: Counts;
  /** As the server last confirmed it. */
  ownVote: Vote | null;
  /** Whether it ever did. */
  ownVoteKnown: boolean;
  wish: Wish | null;
}

/** The server's answer to a vote. */
export type VoteAnswer = Counts & { user_vote: Vote | null; degraded?: boolean };

export interface ShownVotes extends Counts {
  ownVote: Vote | null;
  pending: boolean;
}

/** @param ownVote left out where nobody has said */
export function projectVotes(counts: Counts, ownVote?: Vote | null): ProjectVotes {
  return { counts: countsOf(counts), ownVote: ownVote ?? null, ownVoteKnown: ownVote !== undefined, wish: null };
}

/** Drops older counts. Equal versions are taken: a repair may correct counts without a new vote. */
export function withCounts(votes: ProjectVotes, counts: Counts): ProjectVotes {
  if (counts.version < votes.counts.version || sameCounts(counts, votes.counts)) return votes;
  return { ...votes, counts: countsOf(counts) };
}

/** The counts began anew, and everybody may vote anew. A vote that is on its way goes on: nobody has asked for less than that. */
export function withNewPeriod({ wish }: ProjectVotes, counts: Counts): ProjectVotes {
  const begun = projectVotes(counts, null);
  return wish === null || wish.vote === null ? begun : withWish(begun, wish.vote);
}

/** A click on one of the two buttons: it asks for that vote, or takes it back where it is the shown one. */
export function withClick(votes: ProjectVotes, button: Vote): ProjectVotes {
  return withWish(votes, clicked(votes, button));
}

/** What a click on the button asks for. */
export function clicked(votes: ProjectVotes, button: Vote): Vote | null {
  return shownVotes(votes).ownVote === button ? null : button;
}

/** The user wants this vote, or none. */
export function withWish(votes: ProjectVotes, vote: Vote | null): ProjectVotes {
  return { ...votes, wish: { vote, madeOn: votes.wish?.madeOn ?? votes.counts.version } };
}

/** The server answered the wish `sent`. A wish made since stays, laid over what is now known. */
export function withAnswer(votes: ProjectVotes, sent: Wish, answer: VoteAnswer): ProjectVotes {
  const { counts } = withCounts(votes, answer);
  const ownVote = answer.user_vote;
  const later = votes.wish !== null && votes.wish !== sent && votes.wish.vote !== ownVote ? votes.wish : null;
  return { counts, ownVote, ownVoteKnown: true, wish: later && { vote: later.vote, madeOn: counts.version } };
}

/** The wish could not be had: back to what the server has told. */
export function withoutWish(votes: ProjectVotes): ProjectVotes {
  return votes.wish === null ? votes : { ...votes, wish: null };
}

/** The server said which vote is the user's own; a wish under way will be answered by itself. */
export function withOwnVote(votes: ProjectVotes, ownVote: Vote | null): ProjectVotes {
  if (votes.wish !== null || (votes.ownVoteKnown && votes.ownVote === ownVote)) return votes;
  return { ...votes, ownVote, ownVoteKnown: true };
}

/**
 * `optimistic`: a click shows at once. `server-first`: counts and the own vote are what the server said, and a click shows as
 * pending until it is answered.
 */
export type Display = "optimistic" | "server-first";

export function shownVotes({ counts, ownVote, wish }: ProjectVotes, display: Display = "optimistic"): ShownVotes {
  if (wish === null) return { ...counts, ownVote, pending: false };
  if (display === "server-first") return { ...counts, ownVote, pending: true };
  const unanswered = { ...counts, ownVote: wish.vote, pending: true };
  if (counts.version > wish.madeOn) return unanswered;
  const upvotes = counts.upvotes + one(wish.vote, "up") - one(ownVote, "up");
  const downvotes = counts.downvotes + one(wish.vote, "down") - one(ownVote, "down");
  const voteCount = counts.voteCount + (upvotes - counts.upvotes) - (downvotes - counts.downvotes);
  return { ...unanswered, upvotes, downvotes, voteCount };
}

const one = (vote: Vote | null, kind: Vote): number => (vote === kind ? 1 : 0);

function countsOf({ upvotes, downvotes, voteCount, version }: Counts): Counts {
  return { upvotes, downvotes, voteCount, version };
}

function sameCounts(a: Counts, b: Counts): boolean {
  return a.version === b.version && a.upvotes === b.upvotes && a.downvotes === b.downvotes;
}
