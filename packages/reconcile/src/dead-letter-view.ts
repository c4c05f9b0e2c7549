/** Dead letters as operators see them, over HTTP and on the command line. */
import type { StreamEvent } from "@votesync/core";
import type { DeadLetter, DeadLetterKey } from "@votesync/postgres-store";

const LETTER_ID = /^(\d{1,4})\.(\d{1,20}-\d{1,20})$/;

export const formatLetterId = ({ shard, streamId }: DeadLetterKey) => `${shard}.${streamId}`;

/** @returns `null` for what no letter is called */
export function parseLetterId(id: string): DeadLetterKey | null {
  const match = LETTER_ID.exec(id);
  return match === null ? null : { shard: Number(match[1]), streamId: match[2] as string };
}

export type DeadLetterView = ReturnType<typeof deadLetterView>;

export function deadLetterView(letter: DeadLetter) {
  return {
    id: formatLetterId(letter),
    shard: letter.shard,
    stream_id: letter.streamId,
    project_id: letter.projectId,
    user_id: letter.userId,
    request_id: letter.requestId,
    error: letter.error,
    attempts: letter.attempts,
    created_at: letter.createdAt.toISOString(),
    event: letter.event === null ? null : eventView(letter.event),
    fields: letter.fields,
    withdrawn: letter.withdrawnAt !== null,
    resolution: letter.resolution,
    resolved_at: letter.resolvedAt?.toISOString() ?? null,
    replay_request_id: letter.replayRequestId,
  };
}

function eventView(event: StreamEvent) {
  // It is passed over, and so never fails.
  if (event.kind === "persisted") return null;
  const common = {
    kind: event.kind,
    project_id: event.projectId,
    period: event.period,
    version: event.version,
    upvotes: event.upvotes,
    downvotes: event.downvotes,
    accepted_at: new Date(event.acceptedAtUs / 1_000).toISOString(),
  };
  if (event.kind === "counts") return { ...common, reason: event.reason };
  if (event.kind === "closed") return common;
  return {
    ...common,
    request_id: event.requestId,
    user_id: event.userId,
    action: event.action,
    vote_type: event.voteType,
    previous_vote_type: event.previousVoteType,
  };
}
