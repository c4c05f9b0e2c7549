/** The order of an open day's board as votes come in: the same as the server's, from the counts this page has. Pure. */
import type { ShownProject } from "@votesync/client";

export interface AppVotes {
  appId: string;
  name: string;
  /** `undefined` until the server has told them. */
  votes: ShownProject | null | undefined;
}

export interface Standing extends AppVotes {
  /** From 1; equal votes share a rank. */
  rank: number;
}

/** More votes come first; of as many, who had them first; at last the id decides. */
export function standings(apps: readonly AppVotes[]): Standing[] {
  const sorted = [...apps].sort(compare);
  let rank = 0;
  return sorted.map((app, i) => {
    const previous = sorted[i - 1];
    if (previous === undefined || votesOf(previous) !== votesOf(app)) rank = i + 1;
    return { ...app, rank };
  });
}

/** The same standings with the apps where they were before; what was not there yet comes last. */
export function inOrderOf(order: readonly string[], ranked: readonly Standing[]): Standing[] {
  const places = new Map(order.map((id, place) => [id, place]));
  const placeOf = ({ appId }: Standing) => places.get(appId) ?? order.length;
  return [...ranked].sort((a, b) => placeOf(a) - placeOf(b));
}

export const votesOf = ({ votes }: AppVotes): number => votes?.upvotes ?? 0;

function compare(a: AppVotes, b: AppVotes): number {
  if (votesOf(a) !== votesOf(b)) return votesOf(b) - votesOf(a);
  if (reachedAtMs(a) !== reachedAtMs(b)) return reachedAtMs(a) < reachedAtMs(b) ? -1 : 1;
  return a.appId < b.appId ? -1 : 1;
}

/** On a launch, a version is the time, in µs, of the vote that changed it last. */
const reachedAtMs = (app: AppVotes) =>
  votesOf(app) === 0 ? Number.POSITIVE_INFINITY : Math.floor((app.votes?.version ?? 0) / 1_000);
