/** Launch days: who takes part, how they stand, and their end. */
import { finalizeBodySchema, launchAppBodySchema, launchDateAt, launchDayQuerySchema } from "@votesync/core";
import type { Jobs } from "@votesync/jobs";
import { type LaunchStores, readLaunchDay, registerApp } from "@votesync/launch";
import type { LaunchOutcome } from "@votesync/postgres-store";
import type { FallbackRecovery } from "@votesync/reconcile";
import { type Logger, problem, unavailable } from "@votesync/service-kit";
import type { Request, Response } from "express";
import { v7 as uuidv7 } from "uuid";
import { identityOf } from "./authenticate.js";
import { awaitFinalization } from "./await-finalization.js";
import { launchRepairRoutes } from "./launch-repair-routes.js";
import { dayOf, refuseForUsers, scheduleOf } from "./launch-schedule.js";

export interface LaunchRoutesDeps {
  /** `null` without MongoDB: then there are no launch days. */
  launches: LaunchStores | null;
  recovery: FallbackRecovery;
  jobs: Jobs;
  launchZone: string;
  /** Whether what Redis says now can be relied on. */
  redisUsable: () => boolean;
  log: Logger;
  now: () => Date;
}

export function launchRoutes(deps: LaunchRoutesDeps) {
  const stores = () => {
    if (deps.launches === null) throw unavailable("Launch days need MongoDB: MONGO_URL is not set.");
    return deps.launches;
  };

  /** `POST /api/launch/apps` */
  async function register(req: Request, res: Response): Promise<void> {
    const body = launchAppBodySchema.parse(req.body);
    const { userId, role } = identityOf(res);
    const schedule = scheduleOf(body, deps.launchZone);
    refuseForUsers(role === "admin", body, schedule, deps.now());
    const { appId: projectId = uuidv7(), name } = body;
    const launch = { ...schedule, projectId, name, ownerId: userId, anyOwner: role === "admin" };
    const onDelayed = (id: string, error: unknown) =>
      deps.log.warn({ err: error, project: id }, "a launch is registered; what follows from it will be made up for");
    const outcome = await registerApp({ stores: stores(), recovery: deps.recovery, onDelayed }, launch);
    if (outcome.kind !== "registered") throw refusal(outcome, schedule.date);
    const { opensAt, closesAt } = outcome.launch;
    const answer = {
      appId: projectId,
      name,
      launchDate: schedule.date,
      opensAt,
      closesAt,
      votes: 0,
      votingFlushed: false,
    };
    res.status(201).location(`/api/launch?date=${schedule.date}`).json(answer);
  }

  /** `GET /api/launch` */
  async function read(req: Request, res: Response): Promise<void> {
    const nowMs = deps.now().getTime();
    const { date = launchDateAt(nowMs, deps.launchZone) } = launchDayQuerySchema.parse(req.query);
    const dayEndsAtMs = dayOf(date, deps.launchZone, "date").closesAt.getTime();
    res.json(await readLaunchDay(stores(), { date, dayEndsAtMs, nowMs, redisUsable: deps.redisUsable() }));
  }

  /** `POST /api/launch/finalize` */
  async function finalize(req: Request, res: Response): Promise<void> {
    const { date } = finalizeBodySchema.parse(req.body);
    const dayEndsAt = dayOf(date, deps.launchZone, "date").closesAt;
    const { status, body } = await awaitFinalization({ ...deps, stores: stores() }, { date, dayEndsAt });
    res.status(status).json(body);
  }

  return { register, read, finalize, ...launchRepairRoutes({ ...deps, stores }) };
}

const REFUSALS: Record<Exclude<LaunchOutcome["kind"], "registered">, string> = {
  "final-day": "takes no new app: its results are being made, or are final.",
  launched: "has this app already.",
  taken: "has this app already, with other words or instants.",
  "other-owner": "cannot have this app: its id is somebody else's.",
  pending: "cannot have this app yet: another launch of it is not over.",
  overlaps: "cannot have this app: its last launch ended later than this one would begin.",
};

const refusal = ({ kind }: LaunchOutcome, date: string) =>
  problem(409, `The day ${date} ${REFUSALS[kind as keyof typeof REFUSALS]}`);
