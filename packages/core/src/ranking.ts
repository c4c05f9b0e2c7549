import { type VoteCounts, voteCount } from "./vote.js";

/** Standard normal quantile of a 95 % confidence interval. */
const Z_95 = 1.96;

/**
 * Lower bound of the Wilson score interval for the share of up-votes, 0–1 (Wilson 1927; Evan Miller, "How Not To
 * Sort By Average Rating"). Few votes give a low score even when all are up. 0 without votes.
 */
export function wilsonLowerBound({ upvotes, downvotes }: VoteCounts): number {
  const total = upvotes + downvotes;
  if (total === 0) return 0;
  const share = upvotes / total;
  const zz = Z_95 * Z_95;
  const centre = share + zz / (2 * total);
  const margin = Z_95 * Math.sqrt((share * (1 - share) + zz / (4 * total)) / total);
  // Rounding can put it a little past either end.
  return Math.min(share, Math.max(0, (centre - margin) / (1 + zz / total)));
}

/** So many seconds of age weigh as much as a factor of ten in votes. */
const HOT_SECONDS_PER_DECADE = 45_000;

/**
 * Hot rank: the decimal logarithm of the net votes plus age, so newer projects need fewer votes to lead
 * (the formula Reddit published). It never decays by itself: it needs no update unless votes come in.
 *
 * @param createdAtMs milliseconds since 1970
 */
export function hotRank(counts: VoteCounts, createdAtMs: number): number {
  const net = voteCount(counts);
  return Math.sign(net) * Math.log10(Math.max(1, Math.abs(net))) + createdAtMs / 1000 / HOT_SECONDS_PER_DECADE;
}
