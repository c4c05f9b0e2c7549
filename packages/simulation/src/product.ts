/**
 * The one place where the simulation reaches into the services: what it runs are their own functions, never copies of them.
 *
 * Services offer no packages, and nobody else may import them; here their built files are named by path, as `node` starts them.
 */
export {
  type CastVoteDeps,
  castVote,
  type VoteOutcome,
  type VoteRequest,
} from "../../../apps/vote-api/dist/cast-vote.js";
export { findCommitted } from "../../../apps/vote-api/dist/commit-watch.js";
export { DegradedHere } from "../../../apps/vote-api/dist/degraded-here.js";
export { createFastPath, type FastPath } from "../../../apps/vote-api/dist/fast-path.js";
export { RecoveryLoop } from "../../../apps/vote-api/dist/recovery-loop.js";
export { RedisTrust } from "../../../apps/vote-api/dist/redis-trust.js";
export { createBringOver } from "../../../apps/vote-worker/dist/bring-over.js";
export { trimShard } from "../../../apps/vote-worker/dist/event-worker.js";
export { Retries } from "../../../apps/vote-worker/dist/retries.js";
export { ShardApplier } from "../../../apps/vote-worker/dist/shard-applier.js";
