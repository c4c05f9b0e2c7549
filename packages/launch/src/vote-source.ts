/** Where a day's votes are counted, and who lets go of them once they are backed up. */
import type { VoteSourceName } from "@votesync/postgres-store";

export interface VoteCountsOfDay {
  /** When the source said so. */
  countedAt: Date;
  /** App id → votes; apps that are missing have none. Left out: the rows of PostgreSQL say it. */
  votes?: ReadonlyMap<string, number>;
}

export interface FlushedApp {
  appId: string;
  /** What its backup says. */
  votes: number;
}

export interface VoteSource {
  readonly name: VoteSourceName;
  /**
   * The final counts of a day that is over. Waits a while for what is on its way.
   * @throws when they are not certain yet; asking again is fine
   */
  count(date: string): Promise<VoteCountsOfDay>;
  /**
   * Lets go of votes that are backed up. Repeating it is harmless.
   * @returns the ids of the apps it is done for, which may be fewer
   * @throws when nothing is known of what was done
   */
  flush(date: string, apps: readonly FlushedApp[]): Promise<string[]>;
}
