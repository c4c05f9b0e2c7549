import { requestJson } from "../http/request.js";
import { listProjectsById, type ProjectPage } from "../projects/projects-api.js";

export interface LaunchApp {
  appId: string;
  name: string;
  votes: number;
  rank: number;
  votingFlushed: boolean;
}

export interface LaunchDay {
  date: string;
  status: "open" | "closing" | "final";
  seal: string | null;
  apps: LaunchApp[];
}

/** More than anybody reads; the API lists all. */
const APPS_SHOWN = 100;

/** `GET /api/launch`; today without a date */
export function readDay(date: string | null): Promise<LaunchDay> {
  return requestJson<LaunchDay>(`/api/launch${date === null ? "" : `?date=${date}`}`);
}

/** A day's apps as projects, with the counts to vote on, in the order of the board. */
export async function listApps(day: LaunchDay | null): Promise<ProjectPage> {
  const ids = (day?.apps ?? []).slice(0, APPS_SHOWN).map(({ appId }) => appId);
  return ids.length === 0 ? { projects: [], next_cursor: null } : listProjectsById(ids);
}

export interface NewLaunchApp {
  name: string;
  launchDate: string;
}

/** `POST /api/launch/apps` */
export function registerApp(token: string | undefined, app: NewLaunchApp): Promise<NewLaunchApp> {
  return requestJson("/api/launch/apps", { method: "POST", token, body: app });
}

export interface VoteHealth {
  status: "healthy" | "issues_detected" | "error";
  health: { issues: string[]; recommendations: string[] };
}

/** `GET /api/launch/vote-health` (admin) */
export function readHealth(token: string | undefined, date: string): Promise<VoteHealth> {
  return requestJson(`/api/launch/vote-health?date=${date}`, { token });
}

/** Longer than the server waits for the finalizer. */
const FINALIZE_DEADLINE_MS = 40_000;

/** `POST /api/launch/finalize` (admin) */
export function finalizeDay(token: string | undefined, date: string): Promise<{ message: string }> {
  const body = { date };
  return requestJson("/api/launch/finalize", { method: "POST", token, body, deadlineMs: FINALIZE_DEADLINE_MS });
}

export interface Recovery {
  recovered: number;
  apps: { appId: string; before: number | null; after: number }[];
  missing: string[];
}

/** `POST /api/launch/recover-votes` (admin) */
export function recoverVotes(token: string | undefined, date: string, dryRun: boolean): Promise<Recovery> {
  return requestJson("/api/launch/recover-votes", { method: "POST", token, body: { date, dry_run: dryRun } });
}
