/** What a project's owner is told, and when. */
import { z } from "zod";
import type { VoteCounts } from "./vote.js";

export const notificationKindSchema = z.enum(["first_vote", "milestone"]);
export type NotificationKind = z.infer<typeof notificationKindSchema>;

/** Up-votes that are worth a message: 10, 25, 50, 100, 250, … up to a thousand million. */
export const MILESTONES: readonly number[] = Array.from({ length: 9 }, (_, digits) => 10 ** (digits + 1))
  .flatMap((power) => [power, 2.5 * power, 5 * power])
  .filter((milestone) => milestone <= 1e9);

export interface DueNotification {
  kind: NotificationKind;
  milestone: number;
  text: string;
}

export interface NotifiedProject extends VoteCounts {
  title: string;
  hasFirstVote: boolean;
  /** The highest milestone its owner was told; 0 before the first. */
  lastMilestone: number;
}

/** Of several milestones passed at once only the highest; one that was passed before is not told again. */
export function dueNotifications(project: NotifiedProject): DueNotification[] {
  const { title, upvotes, downvotes } = project;
  const due: DueNotification[] = [];
  if (!project.hasFirstVote && upvotes + downvotes >= 1) {
    due.push({ kind: "first_vote", milestone: 1, text: `“${title}” got its first vote.` });
  }
  const milestone = MILESTONES.findLast((at) => at <= upvotes) ?? 0;
  if (milestone > project.lastMilestone) {
    due.push({ kind: "milestone", milestone, text: `“${title}” has reached ${milestone} up-votes.` });
  }
  return due;
}

export interface NotificationRecord {
  id: string;
  kind: NotificationKind;
  projectId: string;
  text: string;
  createdAt: Date;
}

/** What a socket message and a list say of it alike. */
export function notificationView({ id, kind, projectId, text, createdAt }: NotificationRecord) {
  return { id, kind, project_id: projectId, text, created_at: createdAt.toISOString() };
}
