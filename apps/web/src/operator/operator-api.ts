import { RequestError, type VoteClient } from "@votesync/client";

export interface Check {
  status: "up" | "down";
  latency_ms: number;
  required: boolean;
  error?: string;
}

/** `GET /statusz` */
export interface InstallationStatus {
  status: "ok" | "degraded" | "down";
  checks: Record<string, Check>;
}

/** `GET /api/votes/metrics`: `null` is what nobody knows at the moment. */
export interface VoteMetrics {
  total_votes: number;
  success_rate: number;
  p50_ms: number | null;
  p95_ms: number | null;
  p99_ms: number | null;
  queue_depth: number | null;
  worker_lag_ms: number | null;
  dead_letters: number | null;
}

/** A vote that could not be stored. */
export interface DeadLetter {
  id: string;
  project_id: string | null;
  user_id: string | null;
  error: string;
  created_at: string;
}

const STATUS_DEADLINE_MS = 5_000;

/** A 503 is an answer too: it names what is down. */
export async function readStatus(): Promise<InstallationStatus> {
  try {
    const response = await fetch("/statusz", { signal: AbortSignal.timeout(STATUS_DEADLINE_MS) });
    return (await response.json()) as InstallationStatus;
  } catch (cause) {
    throw new RequestError(null, { title: "No answer from the server" }, { cause });
  }
}

export const readMetrics = (client: VoteClient): Promise<VoteMetrics> => client.request("/api/votes/metrics");

export async function readDeadLetters(client: VoteClient): Promise<DeadLetter[]> {
  return (await client.request<{ dead_letters: DeadLetter[] }>("/api/votes/dead-letters")).dead_letters;
}

const letterPath = (id: string) => `/api/votes/dead-letters/${encodeURIComponent(id)}`;

/** Casts the vote anew, unless its user has voted since. */
export const replayLetter = (client: VoteClient, id: string) =>
  client.request<DeadLetter>(`${letterPath(id)}/replay`, { method: "POST" });
