/** The order of an open day's board as votes come in: the same as the server's, from the counts this page has. Pure. */
import type { BoardProject } from "../projects/board.js";

export interface Standing {
  entry: BoardProject;
  /** From 1; equal votes share a rank. */
  rank: number;
}

/** More votes come first; of as many, who had them first; at last the id decides. */
export function standings(entries: readonly BoardProject[]): Standing[] {
  const sorted = [...entries].sort(compare);
  let rank = 0;
  return sorted.map((entry, i) => {
    const previous = sorted[i - 1];
    if (previous === undefined || votesOf(previous) !== votesOf(entry)) rank = i + 1;
    return { entry, rank };
  });
}

/** The same standings with the apps where they were before; what was not there yet comes last. */
export function inOrderOf(order: readonly string[], ranked: readonly Standing[]): Standing[] {
  const places = new Map(order.map((id, place) => [id, place]));
  const placeOf = ({ entry }: Standing) => places.get(entry.project.id) ?? order.length;
  return [...ranked].sort((a, b) => placeOf(a) - placeOf(b));
}

const votesOf = ({ votes }: BoardProject) => votes.counts.upvotes;

function compare(a: BoardProject, b: BoardProject): number {
  if (votesOf(a) !== votesOf(b)) return votesOf(b) - votesOf(a);
  if (reachedAtMs(a) !== reachedAtMs(b)) return reachedAtMs(a) < reachedAtMs(b) ? -1 : 1;
  return a.project.id < b.project.id ? -1 : 1;
}

/** On a launch, a version is the time, in µs, of the vote that changed it last. */
const reachedAtMs = (entry: BoardProject) =>
  votesOf(entry) === 0 ? Number.POSITIVE_INFINITY : Math.floor(entry.votes.counts.version / 1_000);
