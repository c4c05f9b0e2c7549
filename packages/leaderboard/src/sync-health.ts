/** Whether leaderboards reach PostgreSQL, and what to do when they do not. Changes nothing. */
import { type Board, boardAt, boardName, LEADERBOARD_PERIODS } from "@votesync/core";
import {
  countEntries,
  countUsers,
  findRunningSync,
  listSyncRuns,
  readSyncState,
  type SyncRunRow,
} from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { countBoard, readBoardsEpoch } from "@votesync/redis-store";
import { z } from "zod";

export interface SyncHealthReport {
  /** `error`: a store could not be read. */
  status: "healthy" | "issues_detected" | "error";
  issues: string[];
  /** One for each issue, in the same order. */
  recommendations: string[];
  enabled: boolean | null;
  next_run_at: string | null;
  last_run: { run_id: string; status: string; started_at: string } | null;
}

/** So long after it was due a run is late. */
const LATE_MS = 300_000;

interface Issue {
  issue: string;
  recommendation: string;
}

export async function checkSyncHealth(stores: Stores, nowMs: number): Promise<SyncHealthReport> {
  try {
    const [state, [last]] = [await readSyncState(stores.pool), await listSyncRuns(stores.pool, 1)];
    const [epoch, running] = [await readBoardsEpoch(stores.redis, stores.names), await findRunningSync(stores.pool)];
    const issues = [
      ...(state.boardsEpoch !== null && state.boardsEpoch !== epoch ? [LOST] : []),
      ...(state.enabled ? [] : [STOPPED]),
      ...lateIssues(state.nextRunAt, state.enabled, nowMs),
      ...lastRunIssues(last, running !== null),
      ...userIssues(last),
    ];
    return {
      ...said(issues.length === 0 ? "healthy" : "issues_detected", issues),
      enabled: state.enabled,
      next_run_at: (state.enabled ? state.nextRunAt : null)?.toISOString() ?? null,
      last_run:
        last === undefined ? null : { run_id: last.id, status: last.status, started_at: last.startedAt.toISOString() },
    };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    const away = { issue: `A store cannot be read: ${words}.`, recommendation: "See GET /statusz, then ask again." };
    return { ...said("error", [away]), enabled: null, next_run_at: null, last_run: null };
  }
}

const said = (status: SyncHealthReport["status"], issues: readonly Issue[]) => ({
  status,
  issues: issues.map(({ issue }) => issue),
  recommendations: issues.map(({ recommendation }) => recommendation),
});

const LOST: Issue = {
  issue: "Redis does not have the leaderboards that PostgreSQL was synced with: it was emptied, or is another one.",
  recommendation:
    'Run "votesync sync restore" (POST /api/periodic-sync/restore): it brings them back from PostgreSQL. Nothing is synced, ' +
    "and nothing deleted, before that.",
};

const STOPPED: Issue = {
  issue: "The sync is stopped: leaderboards do not reach PostgreSQL.",
  recommendation: 'Run "votesync sync start" (POST /api/periodic-sync/start).',
};

function lateIssues(dueAt: Date | null, enabled: boolean, nowMs: number): Issue[] {
  if (!enabled || dueAt === null || nowMs - dueAt.getTime() < LATE_MS) return [];
  return [
    {
      issue: `A run was due at ${dueAt.toISOString()} and has not begun.`,
      recommendation: "See that a sync-scheduler runs (its /readyz).",
    },
  ];
}

function lastRunIssues(last: SyncRunRow | undefined, isRunning: boolean): Issue[] {
  if (last === undefined || last.status === "done" || (last.status === "running" && isRunning)) return [];
  // Its process died: the next run says so of it.
  const status = last.status === "running" ? "interrupted" : last.status;
  return [
    {
      issue: `The last run (${last.id}) was ${status}${last.error === null ? "" : `: ${last.error}`}.`,
      recommendation:
        status === "refused"
          ? 'Look at "votesync sync run --dry-run"; when its deletes are right, run it with --force.'
          : 'Run "votesync sync run" again; what it had not done yet it does then.',
    },
  ];
}

const reportSchema = z.object({ errors: z.array(z.object({ user_id: z.string(), error: z.string() })) });
const USERS_NAMED = 3;

/** Users whom the last run could not store. */
function userIssues(last: SyncRunRow | undefined): Issue[] {
  const { errors } = reportSchema.safeParse(last?.report).data ?? { errors: [] };
  if (errors.length === 0) return [];
  const named = errors.slice(0, USERS_NAMED).map(({ user_id, error }) => `${user_id} (${error})`);
  return [
    {
      issue: `The last run could not store ${errors.length} of the users: ${named.join(", ")}${errors.length > USERS_NAMED ? ", …" : ""}.`,
      recommendation: "Mend what PostgreSQL says of them; every run tries them again.",
    },
  ];
}

/** Sizes of the current boards in both stores. */
export async function countBoards(
  stores: Stores,
  { zone, nowMs }: { zone: string; nowMs: number },
): Promise<{ redis: Record<string, number>; postgres: Record<string, number>; postgresUsers: number }> {
  const boards: Board[] = LEADERBOARD_PERIODS.map((period) => boardAt(period, nowMs, zone));
  const redis: Record<string, number> = {};
  const postgres: Record<string, number> = {};
  for (const board of boards) {
    redis[`${board.period}_leaderboard`] = await countBoard(stores.redis, stores.names, board);
    postgres[boardName(board)] = await countEntries(stores.pool, board);
  }
  return { redis, postgres, postgresUsers: await countUsers(stores.pool, boards) };
}
