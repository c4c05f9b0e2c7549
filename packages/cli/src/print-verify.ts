/** What `votes verify` prints for people. */
import {
  type Comparison,
  type FindingKind,
  isClean,
  type UnappliedShard,
  type VerifyReport,
} from "@votesync/reconcile";

/** How many findings of a kind are printed one by one; `--json` has more. */
const PRINTED = 20;

export function printReport(report: VerifyReport): void {
  const { counters, replay, told, voters, waiting, unapplied, leaderboards, stores } = report;
  printTotals(report);
  if (counters.length > 0) console.table(counters.slice(0, PRINTED).map(counterLine));
  if (voters.length > 0) console.table(voters.slice(0, PRINTED));
  if (replay.length > 0) console.table(replay.slice(0, PRINTED));
  for (const id of told.slice(0, PRINTED)) console.log(`${id}: watchers were told other counters`);
  for (const { projectId: id, verdict } of waiting.slice(0, PRINTED)) console.log(`${id}: ${verdict}`);
  for (const shard of unapplied.slice(0, PRINTED)) console.log(unappliedLine(shard));
  if (leaderboards.length > 0) console.table(leaderboards.slice(0, PRINTED));
  for (const { store, shard } of stores.slice(0, PRINTED)) console.log(`shard ${shard}: ${store} went back in time`);
  printUnprinted(report);
  console.log(isClean(report) ? "all stores say the same" : "NOT the same everywhere");
}

function printTotals({ projects, rows, older_than_log, totals }: VerifyReport): void {
  console.table([
    { compared: "projects", looked_at: projects, wrong: totals.counters },
    { compared: "rows against the audit log", looked_at: rows - older_than_log, wrong: totals.replay },
    { compared: "votes in Redis against rows", looked_at: "", wrong: totals.voters },
    { compared: "counters against what was told last", looked_at: "", wrong: totals.told },
    { compared: "still on their way", looked_at: "", wrong: totals.waiting },
    { compared: "shards whose events are not applied", looked_at: "", wrong: totals.unapplied },
    { compared: "points on leaderboards", looked_at: "", wrong: totals.leaderboards },
    { compared: "shards of which a store went back in time", looked_at: "", wrong: totals.stores },
  ]);
  if (older_than_log > 0) console.log(`${older_than_log} rows are older than the audit log`);
}

function printUnprinted({ totals }: VerifyReport): void {
  for (const [kind, total] of Object.entries(totals) as [FindingKind, number][]) {
    if (total > PRINTED) console.log(`${kind}: ${PRINTED} of ${total.toLocaleString("en")} are printed`);
  }
}

const said = (counts: Comparison["redis"]) => (counts === null ? "" : `+${counts.upvotes} -${counts.downvotes}`);

const counterLine = ({ projectId: project, redis, postgres, rows }: Comparison) => ({
  project,
  rows: said(rows),
  projects: said(postgres),
  redis: said(redis),
});

export function unappliedLine({ shard, entries, waiting_since, not_applied_for_ms }: UnappliedShard): string {
  const since = `${waiting_since.slice(0, 19).replace("T", " ")} UTC`;
  const seconds = Math.round(not_applied_for_ms / 1_000);
  return `shard ${shard}: ${entries.toLocaleString("en")} entries wait since ${since}, and none was applied for ${seconds} s`;
}
