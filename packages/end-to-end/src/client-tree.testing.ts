/** What is rendered on a server by a test and taken over by a browser: the same tree on both. */
import type { VoteClient } from "@votesync/client";
import { VoteButtons, VoteClientProvider } from "@votesync/client/react";
import { createElement, StrictMode } from "react";

export function tree(client: VoteClient, projectIds: readonly string[]) {
  const buttons = projectIds.map((projectId, index) => createElement(VoteButtons, { key: index, projectId }));
  return createElement(StrictMode, null, createElement(VoteClientProvider, { client, children: buttons }));
}

export const PRIMED = { upvotes: 5, downvotes: 2, voteCount: 3, version: 1 };
