import type { LaunchArchive } from "@votesync/mongo-store";
import type { Stores } from "@votesync/reconcile";

/** The stores that a launch day lives in: PostgreSQL decides, Redis counts, MongoDB keeps what people look at. */
export interface LaunchStores extends Stores {
  archive: LaunchArchive;
}
