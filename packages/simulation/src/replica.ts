/** One vote-api, wired as its `main.ts` does it, on links of its own. */
import type { RedisNames } from "@votesync/core";
import { FallbackRecovery, HeldProjects, type Stores } from "@votesync/reconcile";
import { RedisClock, type VoteAnswer } from "@votesync/redis-store";
import { ImpatientLoader } from "./impatient-loader.js";
import type { Links } from "./links.js";
import {
  type CastVoteDeps,
  castVote,
  createFastPath,
  DegradedHere,
  type FastPath,
  findCommitted,
  RecoveryLoop,
  RedisTrust,
  type VoteOutcome,
  type VoteRequest,
} from "./product.js";
import { log } from "./silent-log.js";

const NO_LIMIT = { max: 0, windowMs: 1 };

export class Replica {
  readonly stores: Stores;
  readonly trust: RedisTrust;
  readonly recovery: RecoveryLoop;
  private readonly casting: CastVoteDeps;

  constructor(
    readonly links: Links,
    names: RedisNames,
    nowMs: () => number,
  ) {
    this.stores = { redis: links.redisClient, names, pool: links.pool };
    const clock = new RedisClock(nowMs);
    const loader = new ImpatientLoader(this.stores);
    const recovery = new FallbackRecovery(this.stores, loader);
    const degraded = new DegradedHere(this.stores.redis, names);
    const held = new HeldProjects(this.stores, loader);
    this.trust = new RedisTrust({ stores: this.stores, recovery, log });
    const onRecovered = () => undefined;
    this.recovery = new RecoveryLoop({ trust: this.trust, recovery, degraded, held, log, onRecovered, recheckMs: 0 });
    const onBreaker = () => undefined;
    const fastPath = createFastPath({ ...this.stores, clock, trust: this.trust, degraded, onBreaker });
    this.casting = {
      ...this.stores,
      fastPath,
      degraded,
      clock,
      loader,
      limit: NO_LIMIT,
      tellBoard: async () => undefined,
      onFallback: () => undefined,
    };
  }

  /** @param onRequest told what the vote is sent as; a vote that fails never says */
  castVote(vote: VoteRequest, onRequest: (requestId: string) => void): Promise<VoteOutcome> {
    const { fastPath } = this.casting;
    const cast: FastPath["cast"] = (one, ms) => {
      onRequest(one.requestId);
      return fastPath.cast(one, ms);
    };
    return castVote({ ...this.casting, fastPath: { ...fastPath, cast } }, vote);
  }

  /** Whether whoever waits for this vote to be committed is told so now. */
  async isCommitted(answer: VoteAnswer): Promise<boolean> {
    const vote = { ...answer, shard: this.stores.names.shardOf(answer.projectId) };
    return (await findCommitted(this.stores.pool, [vote])).length > 0;
  }

  /** Makes Redis read the project anew. */
  load(projectId: string): Promise<boolean> {
    return this.casting.loader.reload(projectId, "rebuilt");
  }

  /** The process is gone, with all that it knew. */
  kill(): void {
    this.casting.fastPath.close();
    this.links.kill();
  }
}
