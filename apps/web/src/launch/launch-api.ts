import type { LaunchStatus, VoteClient } from "@votesync/client";

export interface LaunchApp {
  appId: string;
  name: string;
  votes: number;
  rank: number;
  votingFlushed: boolean;
}

export interface LaunchDay {
  date: string;
  status: LaunchStatus;
  seal: string | null;
  apps: LaunchApp[];
}

/** `GET /api/launch`; today without a date */
export function readDay(client: VoteClient, date: string | null): Promise<LaunchDay> {
  return client.request(`/api/launch${date === null ? "" : `?date=${date}`}`);
}

export interface NewLaunchApp {
  name: string;
  launchDate: string;
}

/** `POST /api/launch/apps` */
export function registerApp(client: VoteClient, app: NewLaunchApp): Promise<NewLaunchApp> {
  return client.request("/api/launch/apps", { method: "POST", body: app });
}

export interface VoteHealth {
  status: "healthy" | "issues_detected" | "error";
  health: { issues: string[]; recommendations: string[] };
}

/** `GET /api/launch/vote-health` (admin) */
export function readHealth(client: VoteClient, date: string): Promise<VoteHealth> {
  return client.request(`/api/launch/vote-health?date=${date}`);
}

/** Longer than the server waits for the finalizer. */
const FINALIZE_DEADLINE_MS = 40_000;

/** `POST /api/launch/finalize` (admin) */
export function finalizeDay(client: VoteClient, date: string): Promise<{ message: string }> {
  return client.request("/api/launch/finalize", { method: "POST", body: { date }, deadlineMs: FINALIZE_DEADLINE_MS });
}

export interface Recovery {
  recovered: number;
  apps: { appId: string; before: number | null; after: number }[];
  missing: string[];
}

/** `POST /api/launch/recover-votes` (admin), a dry run */
export function rehearseRecovery(client: VoteClient, date: string): Promise<Recovery> {
  return client.request("/api/launch/recover-votes", { method: "POST", body: { date, dry_run: true } });
}
