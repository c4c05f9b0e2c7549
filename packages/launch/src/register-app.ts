/**
 * Registers an app for a launch day. What counts is one transaction in PostgreSQL; then Redis reads the project anew, so that
 * it knows the instants, and MongoDB gets a record to be looked at. Killed or cut off after the transaction, the rest is made
 * up for: any vote-api replica finds the project still to be read anew, and the end of the day the missing record.
 */
import { type Launch, type LaunchOutcome, type NewLaunch, registerLaunch } from "@votesync/postgres-store";
import type { FallbackRecovery } from "@votesync/reconcile";
import { withDeadline } from "@votesync/service-kit";
import type { LaunchStores } from "./launch-stores.js";

const REREAD_MS = 1_000;

export interface RegisterDeps {
  stores: LaunchStores;
  recovery: FallbackRecovery;
  /** Told what could not be done at once; it will be later. */
  onDelayed: (projectId: string, error: unknown) => void;
}

export async function registerApp(deps: RegisterDeps, launch: Omit<NewLaunch, "shard">): Promise<LaunchOutcome> {
  const { pool, names } = deps.stores;
  const shard = names.shardOf(launch.projectId);
  const outcome = await registerLaunch(pool, { ...launch, shard });
  if (outcome.kind !== "registered") return outcome;
  const later = (error: unknown) => deps.onDelayed(launch.projectId, error);
  const reread = () => deps.recovery.recover({ projectId: launch.projectId, shard });
  await Promise.all([
    withDeadline(reread, REREAD_MS, "reading a project anew").catch(later),
    addRecords(deps.stores, launch.date, [outcome.launch]).catch(later),
  ]);
  return outcome;
}

/** Records that are there already stay as they are. */
export function addRecords({ archive }: LaunchStores, date: string, launches: readonly Launch[]): Promise<void> {
  const apps = launches.map((launch) => ({ appId: launch.projectId, app: identityOf(launch) }));
  return archive.addApps(date, apps);
}

/** What an app's record says beside its result. */
export function identityOf({ name, ownerId, opensAt, closesAt, createdAt }: Launch) {
  return { name, ownerId, opensAt, closesAt, createdAt };
}
