/** Why a final day's results are not repaired, or cannot be proved. */

/** There is nothing to recover or to prove before a day is final. */
export class DayNotFinalError extends Error {
  override readonly name = "DayNotFinalError";
  constructor(readonly date: string) {
    super(`${date} is not final`);
  }
}

/** Their 30 days are over: there is nothing to recover from. */
export class BackupsRemovedError extends Error {
  override readonly name = "BackupsRemovedError";
  constructor(
    readonly date: string,
    readonly removedAt: Date,
  ) {
    super(`the backups of ${date} were removed at ${removedAt.toISOString()}: their time was up`);
  }
}

/** The results of a day are not those that were sealed. Nothing was written. */
export class SealMismatchError extends Error {
  override readonly name = "SealMismatchError";
  constructor(readonly date: string) {
    super(`the results of ${date} are not those that were sealed`);
  }
}

/** Somebody else repairs or finalizes the day. Asking again is safe. */
export class DayLockedError extends Error {
  override readonly name = "DayLockedError";
  constructor(readonly date: string) {
    super(`somebody else is at work on ${date}`);
  }
}

/** Records were changed again as often as they were put right. Asking again is safe. */
export class RecordsKeepChangingError extends Error {
  override readonly name = "RecordsKeepChangingError";
  constructor(readonly appIds: readonly string[]) {
    super(`${appIds.length} records keep being changed: ${appIds.slice(0, 5).join(", ")}`);
  }
}
