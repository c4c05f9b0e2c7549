/**
 * Keeps a service from running with other settings than its installation has. PostgreSQL knows the settings in force.
 *
 * While PostgreSQL is away the service starts nevertheless: votes are taken without it. The check is then made as soon as
 * PostgreSQL answers, and a service that differs stops.
 */
import { setTimeout as delay } from "node:timers/promises";
import { SettingsDisagreementError } from "@votesync/core";
import { withDeadline } from "./deadline.js";
import type { Logger } from "./logger.js";
import type { Service } from "./service.js";

/** For each try. A start waits no longer than this for a PostgreSQL that does not even refuse. */
const TRY_MS = 2_000;
const RETRY_MS = 500;

export interface SettingsCheckOptions {
  /** @returns `false`: nothing says yet what is in force. @throws {SettingsDisagreementError}, or when nobody answers */
  reach: () => Promise<boolean>;
  /** Resolves once anything in this process has met settings in force that differ. */
  disagreement: Promise<SettingsDisagreementError>;
  log: Logger;
}

/** To be started before the service does anything. */
export function createSettingsCheck({ reach, disagreement, log }: SettingsCheckOptions): Service {
  const stopping = new AbortController();
  let checking = Promise.resolve();

  const attempt = async (): Promise<boolean> => {
    try {
      return await withDeadline(reach(), TRY_MS, "checking the settings");
    } catch (error) {
      if (error instanceof SettingsDisagreementError) throw error;
      return false;
    }
  };
  const untilReached = async ({ signal }: AbortController): Promise<void> => {
    while (!(await attempt())) {
      await delay(RETRY_MS, undefined, { signal });
    }
    log.info("the settings are those in force");
  };
  return {
    name: "settings-check",
    fatal: disagreement,
    start: async () => {
      if (await attempt()) return;
      log.warn("PostgreSQL does not say yet which settings are in force; they are checked as soon as it does");
      // It ends by an abort, or by a disagreement, which is fatal anyway.
      checking = untilReached(stopping).catch(() => undefined);
    },
    stop: async () => {
      stopping.abort();
      await checking;
    },
  };
}
