/** What an operator should know of a launch day, in sentences: each issue with what to do about it. */
import type { FinalizationRecord } from "@votesync/mongo-store";
import type { LaunchDay } from "@votesync/postgres-store";
import { sealOf } from "./day-result.js";
import type { ArchivedDay, CountedDay } from "./inspect-day.js";

export interface Issue {
  issue: string;
  recommendation: string;
}

export interface HealthMoment {
  date: string;
  nowMs: number;
  /** So long after its end a day should be final, and flushed. */
  overdueAfterMs: number;
  /** When the day itself ends: until then it takes apps, though all it has may be over. */
  dayEndsAtMs?: number | undefined;
}

const NAMED = 20;

export function issuesOf(o: HealthMoment, counted: CountedDay | null, archived: ArchivedDay | null): Issue[] {
  return [
    ...(counted === null ? [] : [...overdueIssues(o, counted, archived), ...countedIssues(o, counted)]),
    ...(archived === null ? [] : [...flushIssues(o, archived), ...recordIssues(o, archived)]),
    ...(counted === null || archived === null
      ? []
      : [...backupIssues(o, counted, archived), ...sealIssues(o, counted, archived)]),
  ];
}

export const unreadable = (store: string, error: unknown): Issue => ({
  issue: `${store} cannot be read: ${textOf(error)}.`,
  recommendation: `See that ${store} runs and answers (GET /statusz), then ask again.`,
});

/** @param apps whose keys in Redis hold what votesync never writes there */
export function damagedIssues(apps: readonly string[]): Issue[] {
  if (apps.length === 0) return [];
  return [
    {
      issue: `Redis holds something else under the keys of ${named(apps)}.`,
      recommendation:
        "Find out who else writes to this Redis. They are read from PostgreSQL again by themselves; " +
        `at once with "votesync votes rebuild-cache --project ${apps[0]}".`,
    },
  ];
}

function overdueIssues(o: HealthMoment, { day }: CountedDay, archived: ArchivedDay | null): Issue[] {
  if (day === null || day.finalizedAt !== null || day.closesAt === null) return [];
  const endedAtMs = endOf(day, day.closesAt, o);
  if (o.nowMs - endedAtMs <= o.overdueAfterMs) return [];
  const state = day.isFinal ? "final, but those who watch are not told" : "not final";
  const ended = `${o.date} ended at ${new Date(endedAtMs).toISOString()} and is ${state}`;
  const recommendation =
    `Run "votesync launch finalize --date ${o.date}" (POST /api/launch/finalize), ` +
    "and see that the finalizer runs (its /readyz).";
  return [{ issue: `${ended}: ${progressOf(archived)}.`, recommendation }];
}

/** A day that still takes apps is not over, though all of those it has may have closed. */
function endOf({ closedAt }: LaunchDay, closesAt: Date, { dayEndsAtMs = 0 }: HealthMoment): number {
  return Math.max(closesAt.getTime(), closedAt === null ? dayEndsAtMs : 0);
}

function progressOf(archived: ArchivedDay | null): string {
  if (archived === null) return "how far it has come is not known";
  const { record } = archived;
  if (record === null) return "nobody has begun with it";
  const begun = `tried ${times(record.attempts)}, next step "${record.phase}"`;
  return record.lastError ? `${begun}, last error: ${record.lastError.message}` : begun;
}

/** What PostgreSQL says against itself. */
function countedIssues({ date }: HealthMoment, { day, snapshot, differences }: CountedDay): Issue[] {
  const issues: Issue[] = [];
  if (differences.length > 0) {
    const told = differences.map(
      ({ projectId, votes, counter, closed, rows }) =>
        `${projectId} (result ${votes}, counter ${counter}, at the instant ${closed ?? "unknown"}, rows ${rows})`,
    );
    issues.push({
      issue: `The results of ${named(told)} are not what PostgreSQL's rows or counters say.`,
      recommendation:
        'Run "votesync votes verify" to see which of them was changed; ' +
        `"votesync launch verify --date ${date}" tells whether the results are those that were sealed.`,
    });
  }
  if (day?.isFinal && snapshot.uncounted.length > 0) {
    issues.push({
      issue: `${named(snapshot.uncounted)} stand among the launches of the final day without a result.`,
      recommendation: `Compare with "votesync launch verify --date ${date}"; restore PostgreSQL's table "launches".`,
    });
  }
  return issues;
}

function flushIssues(o: HealthMoment, { record, apps }: ArchivedDay): Issue[] {
  // Before its results stand the flush has just been asked for, or will be.
  if (record !== null && record.phase !== "announce" && record.phase !== "final") return [];
  const flush = record?.flush ?? null;
  const pendingMs = flush === null ? 0 : o.nowMs - new Date(flush.requestedAt).getTime();
  const isLate = flush?.state === "pending" && (pendingMs > o.overdueAfterMs || flush.lastError !== null);
  if (apps.unflushed.length === 0 && flush?.state !== "failed" && !isLate) return [];
  const who = apps.unflushed.length === 0 ? `The votes of ${o.date}` : `Votes of ${named(apps.unflushed)}`;
  if (flush?.state === "done") {
    return [
      {
        issue: `${who} are not marked as flushed, though the flush is done.`,
        recommendation: `Run "votesync launch recover --date ${o.date}" (POST /api/launch/recover-votes).`,
      },
    ];
  }
  return [
    {
      issue: `${who} are not flushed: ${flushState(flush)}.`,
      recommendation:
        "See that what holds the votes (Redis, or EXTERNAL_VOTES_URL) can be reached and that the finalizer runs " +
        `(its /readyz): it asks again by itself. Then run "votesync launch health --date ${o.date}" again.`,
    },
  ];
}

function flushState(flush: FinalizationRecord["flush"]): string {
  if (flush === null) return "nobody has asked for it";
  const last = flush.lastError === null ? "" : `, last error: ${flush.lastError}`;
  return `${flush.state}, tried ${times(flush.attempts)}${last}`;
}

/** Records that people look at. */
function recordIssues({ date }: HealthMoment, { apps }: ArchivedDay): Issue[] {
  const recommendation = `Run "votesync launch recover --date ${date}" (POST /api/launch/recover-votes).`;
  const issues: Issue[] = [];
  if (apps.missing.length > 0) issues.push({ issue: `Records of ${named(apps.missing)} are lost.`, recommendation });
  if (apps.wrong.size > 0) {
    const told = [...apps.wrong].map(([appId, fields]) => `${appId} (${fields.join(", ")})`);
    issues.push({ issue: `Records do not say what was counted: ${named(told)}.`, recommendation });
  }
  if (apps.strays.length > 0) {
    const [first] = apps.strays;
    issues.push({
      issue: `Records of ${named(apps.strays)} are shown, but were not launched on ${date}.`,
      recommendation:
        "Nothing here deletes them. When nobody knows them, remove each in MongoDB: " +
        `db.launch_apps.deleteOne({_id: "${date}:${first}"}).`,
    });
  }
  return issues;
}

function backupIssues({ date }: HealthMoment, { day }: CountedDay, { record, backups }: ArchivedDay): Issue[] {
  if (!day?.isFinal || record?.backupsRemovedAt) return [];
  const see = `See with "votesync launch verify --date ${date}" whether the results still stand`;
  const issues: Issue[] = [];
  if (backups.missing.length > 0) {
    issues.push({
      issue: `Backups of ${named(backups.missing)} are missing.`,
      recommendation: `${see}; then restore "vote_backups" from a copy of MongoDB: nothing can be recovered without.`,
    });
  }
  const changed = [...backups.wrong, ...backups.strays];
  if (changed.length > 0) {
    issues.push({
      issue: `Backups of ${named(changed)} are not what was counted.`,
      recommendation: `${see}; then restore "vote_backups" from a copy of MongoDB: until then recovery refuses.`,
    });
  }
  return issues;
}

function sealIssues({ date }: HealthMoment, { day, snapshot }: CountedDay, { record }: ArchivedDay): Issue[] {
  if (!day?.isFinal) return [];
  if (record === null) {
    return [
      {
        issue: `How ${date} became final is not in MongoDB any more.`,
        recommendation:
          'Restore "launch_finalizations" from a copy of MongoDB; ' +
          `"votesync launch verify --date ${date}" shows the seal that PostgreSQL keeps.`,
      },
    ];
  }
  const seal = sealOf(date, snapshot.apps);
  const off = [day.seal === seal ? "" : "PostgreSQL", record.seal === seal ? "" : "MongoDB"].filter(Boolean);
  if (off.length === 0) return [];
  return [
    {
      issue: `The seal in ${off.join(" and in ")} is not that of the results.`,
      recommendation:
        `Run "votesync launch verify --date ${date}": it shows both seals and who was changed. ` +
        "Restore what was changed from a copy of that store.",
    },
  ];
}

const times = (count: number) => (count === 1 ? "once" : `${count} times`);
const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function named(all: readonly string[]): string {
  const rest = all.length - NAMED;
  return rest > 0 ? `${all.slice(0, NAMED).join(", ")} and ${rest} more` : all.join(", ");
}
