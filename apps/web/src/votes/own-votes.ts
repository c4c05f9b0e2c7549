/** Which votes are the user's own: the server knows, right after a vote and on every device. */
import { RequestError } from "../http/request.js";
import type { Session } from "../session/session.js";
import type { Vote } from "./project-votes.js";
import { readOwnVotes } from "./votes-api.js";

/**
 * By project id; a Map, because a project may be named `constructor`.
 * @returns a vote or `null` for each of the projects; nothing for somebody who only watches, or while nobody can tell
 */
export async function ownVotesOf(
  session: Session,
  projectIds: readonly string[],
): Promise<ReadonlyMap<string, Vote | null>> {
  if (session.state.get().identity === null || projectIds.length === 0) return new Map();
  try {
    const votes = new Map(Object.entries(await session.withToken((token) => readOwnVotes(token, projectIds))));
    return new Map(projectIds.map((id) => [id, votes.get(id) ?? null]));
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return new Map();
  }
}
