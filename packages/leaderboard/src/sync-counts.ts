/** What a run did to the boards it looked at together, in rows and in users. */
import { type Board, boardName } from "@votesync/core";
import type { EntryChange } from "@votesync/postgres-store";
import type { ComparedUsers } from "./compare-users.js";
import { noCounts, type SyncReport } from "./sync-report.js";
import type { FailedChange } from "./write-changes.js";

export class SyncCounter {
  private readonly users = noCounts();
  /** Board name → rows that stay as they are, and rows that could not be written. */
  private readonly kept = new Map<string, number>();
  private readonly failedRows = new Map<string, number>();
  failedUsers = 0;

  constructor(private readonly report: SyncReport) {}

  /** One page of users; what failed of it counts as nothing but an error. */
  add(compared: ComparedUsers, failures: readonly FailedChange[]): void {
    const failed = new Set(failures.map(({ change }) => change));
    const errors = new Map(failures.map(({ change, error }) => [change.userId, error]));
    for (const [user_id, error] of errors) this.report.errors.push({ user_id, error });
    this.failedUsers += errors.size;
    for (const change of compared.changes) {
      if (failed.has(change)) addTo(this.failedRows, boardName(change.board), 1);
      else this.addRow(change);
    }
    for (const [userId, fate] of compared.fates) if (!errors.has(userId)) this.users[fate]++;
    for (const [name, count] of compared.unchangedRows) addTo(this.kept, name, count);
  }

  private addRow({ board, points, before }: EntryChange): void {
    const counts = this.report.by_period[board.period];
    if (counts === undefined) return;
    if (before === null) counts.created++;
    else if (points === null) counts.deleted++;
    else counts.updated++;
  }

  /**
   * Full, everybody was counted. Incremental, those who were not looked at are those on the boards who did not change: of rows
   * that is exact; of users it is what the largest board says.
   */
  finish(sizes: readonly { board: Board; size: number }[], full: boolean): void {
    for (const { board, size } of sizes) {
      const [counts, name] = [this.report.by_period[board.period], boardName(board)];
      if (counts === undefined) continue;
      const touched = counts.created + counts.updated + (this.failedRows.get(name) ?? 0);
      counts.unchanged += full ? (this.kept.get(name) ?? 0) : Math.max(0, size - touched);
    }
    const { created, updated, deleted, unchanged } = this.users;
    const largest = Math.max(0, ...sizes.map(({ size }) => size));
    this.report.created += created;
    this.report.updated += updated;
    this.report.deleted += deleted;
    this.report.unchanged += full ? unchanged : Math.max(0, largest - created - updated - this.failedUsers);
  }
}

const addTo = (counts: Map<string, number>, name: string, by: number) => counts.set(name, (counts.get(name) ?? 0) + by);
