/**
 * One process's agreement with the settings in force. It stands between the process and PostgreSQL: until the settings are
 * agreed on, every new connection checks them before it runs its first statement. So a process that differs reads and writes
 * no row, also when PostgreSQL was away at its start and came back only later.
 *
 * A database that is not migrated has no settings yet. Nothing is refused then, and the check is made again.
 */
import { SettingsDisagreementError, type SomeSettings } from "@votesync/core";
import type pg from "pg";
import { agreeOnSettings, isNotMigrated } from "./installation-settings.js";

export class SettingsAgreement {
  /** Resolves when this process has other values than those in force. */
  readonly disagreement: Promise<SettingsDisagreementError>;
  private reportDisagreement!: (error: SettingsDisagreementError) => void;
  private agreed: boolean;

  /** @param given the settings that this process uses; a process without any always agrees */
  constructor(private readonly given: SomeSettings) {
    this.agreed = Object.keys(given).length === 0;
    this.disagreement = new Promise((resolve) => {
      this.reportDisagreement = resolve;
    });
  }

  /**
   * @returns whether the settings are agreed on; `false`: the database is not migrated
   * @throws {SettingsDisagreementError}, and whatever keeps PostgreSQL from answering
   */
  async reach(pool: pg.Pool): Promise<boolean> {
    if (this.agreed) return true;
    // A new connection checks by itself, an older one may be from before the migration.
    const client = await pool.connect();
    let failed = true;
    try {
      await this.check(client);
      failed = false;
    } finally {
      client.release(failed);
    }
    return this.agreed;
  }

  /** @throws as `reach`; the connection is then of no use */
  async check(client: pg.ClientBase): Promise<void> {
    if (this.agreed) return;
    try {
      await agreeOnSettings(client, this.given);
      this.agreed = true;
    } catch (error) {
      if (error instanceof SettingsDisagreementError) this.reportDisagreement(error);
      if (!isNotMigrated(error)) throw error;
    }
  }
}
