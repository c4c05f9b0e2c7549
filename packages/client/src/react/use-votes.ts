import { useCallback, useMemo } from "react";
import type { ShownProject } from "../project-book.js";
import type { Vote } from "../project-votes.js";
import { useVoteClient } from "./provider.js";
import { useReadable } from "./use-readable.js";
import { useWatch } from "./use-watch.js";

export interface UseVotes {
  /** `undefined` until known, `null` when there is no such project. */
  project: ShownProject | null | undefined;
  /** The user wants this vote; `null` takes it back. */
  vote: (vote: Vote | null) => void;
  /** A click on a button: its vote, or none where it is the shown one. */
  click: (button: Vote) => void;
}

/** Counts and own vote of a project, live, and what votes on it. */
export function useVotes(projectId: string): UseVotes {
  const client = useVoteClient();
  useWatch(useMemo(() => ({ projects: [projectId] }), [projectId]));
  const project = useReadable(client.project(projectId));
  const vote = useCallback((wanted: Vote | null) => client.vote(projectId, wanted), [client, projectId]);
  const click = useCallback((button: Vote) => client.click(projectId, button), [client, projectId]);
  return { project, vote, click };
}
