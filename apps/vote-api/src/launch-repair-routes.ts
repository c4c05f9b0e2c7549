/** What an operator asks of a launch day: whether all that is stored of it says the same, and to put its records right. */
import { launchHealthQuerySchema, recoverVotesBodySchema } from "@votesync/core";
import {
  BackupMismatchError,
  BackupsRemovedError,
  checkVoteHealth,
  DayLockedError,
  DayNotFinalError,
  type LaunchStores,
  OVERDUE_AFTER_MS,
  recoverVotes,
  SealMismatchError,
} from "@votesync/launch";
import { DeadlineExceededError, problem, unavailable, withDeadline } from "@votesync/service-kit";
import type { Request, Response } from "express";
import { dayOf } from "./launch-schedule.js";

/** A day of ten thousand apps takes some seconds. */
const WAIT_MS = 30_000;

export interface LaunchRepairDeps {
  stores: () => LaunchStores;
  launchZone: string;
  now: () => Date;
}

export function launchRepairRoutes(deps: LaunchRepairDeps) {
  /** `GET /api/launch/vote-health` */
  async function health(req: Request, res: Response): Promise<void> {
    const { date } = launchHealthQuerySchema.parse(req.query);
    const dayEndsAtMs = dayOf(date, deps.launchZone, "date").closesAt.getTime();
    const nowMs = deps.now().getTime();
    res.json(await checkVoteHealth(deps.stores(), { date, nowMs, overdueAfterMs: OVERDUE_AFTER_MS, dayEndsAtMs }));
  }

  /** `POST /api/launch/recover-votes` */
  async function recover(req: Request, res: Response): Promise<void> {
    const { date, appIds, dry_run: dryRun } = recoverVotesBodySchema.parse(req.body);
    dayOf(date, deps.launchZone, "date");
    const recovering = recoverVotes(deps.stores(), { date, appIds, dryRun });
    try {
      res.json(await withDeadline(recovering, WAIT_MS, "recovering a launch day"));
    } catch (error) {
      if (!(error instanceof DeadlineExceededError)) throw refusal(error);
      res.status(202).json({ date, message: "Still at work; ask again: what was put right stays so." });
    }
  }

  return { health, recover };
}

/** Each says in its message what is wrong and what to do. */
const REFUSALS = [DayNotFinalError, BackupsRemovedError, BackupMismatchError, SealMismatchError];

function refusal(error: unknown): unknown {
  if (error instanceof DayLockedError) return unavailable("Somebody else is at work on this day: try again.", error);
  if (REFUSALS.some((known) => error instanceof known)) return problem(409, sentence((error as Error).message));
  return error;
}

const sentence = (words: string) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
