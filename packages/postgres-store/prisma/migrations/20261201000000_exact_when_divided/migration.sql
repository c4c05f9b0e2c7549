-- Every wish is an event, also one that changed nothing. `version` is the stamp that orders a user's wishes. Where the
-- project's version was another one, it stands here.
ALTER TABLE "vote_events" ADD COLUMN "project_version" BIGINT;

-- Two users may have one stamp on a project: one voted in Redis, the other past it, in the same microsecond.
ALTER TABLE "vote_events" DROP CONSTRAINT "vote_events_pkey";
ALTER TABLE "vote_events" ADD CONSTRAINT "vote_events_pkey" PRIMARY KEY ("project_id", "version", "accepted_at", "user_id");

-- Which request acted under an Idempotency-Key, whichever store took it. Kept a day.
CREATE TABLE "idempotency_keys" (
    "project_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "request_id" TEXT NOT NULL,
    "accepted_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("project_id", "user_id", "key")
);
CREATE INDEX "idempotency_keys_accepted_at_idx" ON "idempotency_keys" USING brin ("accepted_at");

INSERT INTO "idempotency_keys" ("project_id", "user_id", "key", "fingerprint", "request_id", "accepted_at")
SELECT "project_id", "user_id", "idempotency_key", "fingerprint", "request_id", "accepted_at" FROM "outbox"
 WHERE "idempotency_key" IS NOT NULL AND "fingerprint" IS NOT NULL;

-- The outbox keeps a key only to hand it over to Redis. Who may use one is decided above.
DROP INDEX "outbox_idempotency_idx";

-- What rows of votes really did, for whoever gives points: one row per transaction that wrote votes of a shard, or that gave
-- points by hand (shard -1). Of each element: whose points, the quarter of an hour (since 1970) the vote was given in, and by
-- how much the up-votes and down-votes of that quarter moved. Within a shard ids grow in the order of commits, because all
-- writers of a shard's votes lock its row of shard_progress first.
CREATE TABLE "point_moves" (
    "shard" INTEGER NOT NULL,
    "id" BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 2),
    "user_ids" TEXT[] NOT NULL,
    "quarters" INTEGER[] NOT NULL,
    "upvotes" INTEGER[] NOT NULL,
    "downvotes" INTEGER[] NOT NULL,
    -- Points by hand. Null where the points are those of votes.
    "points" BIGINT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "point_moves_pkey" PRIMARY KEY ("shard", "id")
);
-- Compressing an array that is read once and deleted after an hour is wasted time.
ALTER TABLE "point_moves" ALTER COLUMN "user_ids" SET STORAGE EXTERNAL;

-- Per shard: moves up to `deleted_until` are gone, so boards that lack them must be counted anew. Moves up to `synced_until`
-- are in the rows of leaderboard_entries, so a Redis that has given fewer went back in time.
CREATE TABLE "point_progress" (
    "shard" INTEGER NOT NULL,
    "deleted_until" BIGINT NOT NULL DEFAULT 0,
    "synced_until" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "point_progress_pkey" PRIMARY KEY ("shard")
);
-- Points that earlier releases gave came from the event streams: their boards are counted anew once.
INSERT INTO "point_progress" ("shard", "deleted_until")
SELECT "shard", 1 FROM "shard_progress" WHERE EXISTS (SELECT FROM "votes") OR EXISTS (SELECT FROM "score_events");

-- Which installation this is: Redis carries the same uuid, and a Redis that does not is another one's.
ALTER TABLE "sync_state" ADD COLUMN "installation" UUID NOT NULL DEFAULT gen_random_uuid();

-- How many votes the fallback took, ever. Redis remembers the number with what it loads: a PostgreSQL that says less went back.
ALTER TABLE "shard_progress" ADD COLUMN "fallback_votes" BIGINT NOT NULL DEFAULT 0;

-- By how much Redis's clock is ahead of this server's, as workers measure it: both stores stamp wishes with one clock.
CREATE TABLE "redis_clock" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "ahead" INTERVAL NOT NULL,
    "measured_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "redis_clock_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "redis_clock_one_row" CHECK ("id" = 1)
);

-- A store that went back in time: what was noticed, and what was done about it. For people, and for health.
CREATE TABLE "store_incidents" (
    "id" BIGINT GENERATED ALWAYS AS IDENTITY,
    "store" TEXT NOT NULL,
    "shard" INTEGER NOT NULL,
    "noticed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "resolved_at" TIMESTAMPTZ(3),
    "details" JSONB NOT NULL,

    CONSTRAINT "store_incidents_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "store_incidents_store" CHECK ("store" IN ('redis', 'postgres'))
);
CREATE UNIQUE INDEX "store_incidents_open_idx" ON "store_incidents" ("store", "shard") WHERE "resolved_at" IS NULL;
