import type { VoteClient } from "@votesync/client";

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

const RUNS_SHOWN = 50;
/** Longer than the server waits for a run. */
const RUN_DEADLINE_MS = 70_000;

export async function readOverview(client: VoteClient): Promise<SyncOverview> {
  const [status, health, { runs }] = await Promise.all([
    client.request<SyncStatus>("/api/periodic-sync/status"),
    client.request<SyncHealth>("/api/periodic-sync/health"),
    client.request<{ runs: SyncRun[] }>(`/api/periodic-sync/history?limit=${RUNS_SHOWN}`),
  ]);
  return { status, health, runs };
}

/** `POST /api/periodic-sync/sync` */
export function runSync(
  client: VoteClient,
  dryRun: boolean,
): Promise<Required<Pick<SyncRun, "created" | "updated" | "deleted">>> {
  const body = { dry_run: dryRun };
  return client.request("/api/periodic-sync/sync", { method: "POST", body, deadlineMs: RUN_DEADLINE_MS });
}

/** `POST /api/periodic-sync/start` and `…/stop` */
export function setEnabled(client: VoteClient, enabled: boolean): Promise<{ enabled: boolean }> {
  return client.request(`/api/periodic-sync/${enabled ? "start" : "stop"}`, { method: "POST" });
}

/** `POST /api/periodic-sync/restore` */
export function restoreBoards(client: VoteClient): Promise<{ restored: number }> {
  return client.request("/api/periodic-sync/restore", { method: "POST", deadlineMs: RUN_DEADLINE_MS });
}
