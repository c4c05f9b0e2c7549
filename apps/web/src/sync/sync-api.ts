import { requestJson } from "../http/request.js";

export interface SyncRun {
  run_id: string;
  trigger: string;
  status: "running" | "done" | "failed" | "refused" | "interrupted";
  started_at: string;
  error: string | null;
  created?: number;
  updated?: number;
  deleted?: number;
  duration_ms?: number;
}

export interface SyncStatus {
  enabled: boolean;
  next_run_at: string | null;
  running: SyncRun | null;
}

export interface SyncHealth {
  status: "healthy" | "issues_detected" | "error";
  issues: string[];
  recommendations: string[];
}

export interface SyncOverview {
  status: SyncStatus;
  health: SyncHealth;
  /** Newest first. */
  runs: SyncRun[];
}

type Token = string | undefined;

const RUNS_SHOWN = 50;
/** Longer than the server waits for a run. */
const RUN_DEADLINE_MS = 70_000;

export async function readOverview(token: Token): Promise<SyncOverview> {
  const [status, health, { runs }] = await Promise.all([
    requestJson<SyncStatus>("/api/periodic-sync/status", { token }),
    requestJson<SyncHealth>("/api/periodic-sync/health", { token }),
    requestJson<{ runs: SyncRun[] }>(`/api/periodic-sync/history?limit=${RUNS_SHOWN}`, { token }),
  ]);
  return { status, health, runs };
}

/** `POST /api/periodic-sync/sync` */
export function runSync(
  token: Token,
  dryRun: boolean,
): Promise<Required<Pick<SyncRun, "created" | "updated" | "deleted">>> {
  const body = { dry_run: dryRun };
  return requestJson("/api/periodic-sync/sync", { method: "POST", token, body, deadlineMs: RUN_DEADLINE_MS });
}

/** `POST /api/periodic-sync/start` and `…/stop` */
export function setEnabled(token: Token, enabled: boolean): Promise<{ enabled: boolean }> {
  return requestJson(`/api/periodic-sync/${enabled ? "start" : "stop"}`, { method: "POST", token });
}

/** `POST /api/periodic-sync/restore` */
export function restoreBoards(token: Token): Promise<{ restored: number }> {
  return requestJson("/api/periodic-sync/restore", { method: "POST", token, deadlineMs: RUN_DEADLINE_MS });
}
