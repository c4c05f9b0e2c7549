import type { VoteAction } from "@votesync/core";
import type { PrismaClient } from "./generated/client.js";

/** What the audit log says of one request. */
export interface PersistedRequest {
  requestId: string;
  projectId: string;
  userId: string;
  action: VoteAction;
  acceptedAt: Date;
  persistedAt: Date;
}

/** `null` when no row has come of the request: not yet, or it changed nothing. */
export async function findPersistedRequest(prisma: PrismaClient, requestId: string): Promise<PersistedRequest | null> {
  return prisma.voteEvent.findFirst({
    where: { requestId },
    select: {
      requestId: true,
      projectId: true,
      userId: true,
      action: true,
      acceptedAt: true,
      persistedAt: true,
    },
  });
}

/** The error of the dead letter a stream entry became, if it did. */
export async function findDeadLetter(
  prisma: PrismaClient,
  entry: { shard: number; streamId: string },
): Promise<{ error: string } | null> {
  return prisma.deadLetter.findUnique({ where: { shard_streamId: entry }, select: { error: true } });
}
