-- A vote taken by the fallback is always an event: Redis may hold a newer one that PostgreSQL does not know yet.
ALTER TYPE "vote_action" ADD VALUE 'unchanged';

-- Which life of Redis's data the shard's stream belongs to, from which id on its entries can be held against last_id,
-- and how far the rolling check of quiet projects has come.
ALTER TABLE "shard_progress"
    ADD COLUMN "epoch" UUID NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN "epoch_from_id" TEXT NOT NULL DEFAULT '0-0',
    ADD COLUMN "checked_until" TEXT NOT NULL DEFAULT '';

-- Votes taken while Redis was away. A row without recovered_at is the project's "degraded" mark. Kept a day longer:
-- for the limit, for Idempotency-Keys, and so that a copy of the same request in the stream is known.
CREATE TABLE "outbox" (
    "request_id" TEXT NOT NULL,
    "shard" INTEGER NOT NULL,
    "project_id" TEXT NOT NULL,
    "period" INTEGER NOT NULL,
    "user_id" TEXT NOT NULL,
    "action" "vote_action" NOT NULL,
    "vote_type" "vote_type" NOT NULL,
    "previous_vote_type" "vote_type" NOT NULL,
    "previous_at" TIMESTAMPTZ(6) NOT NULL,
    "version" BIGINT NOT NULL,
    "upvotes" BIGINT NOT NULL,
    "downvotes" BIGINT NOT NULL,
    "accepted_at" TIMESTAMPTZ(6) NOT NULL,
    "idempotency_key" TEXT,
    "fingerprint" TEXT,
    "recovered_at" TIMESTAMPTZ(3),

    CONSTRAINT "outbox_pkey" PRIMARY KEY ("request_id")
);

CREATE INDEX "outbox_waiting_idx" ON "outbox" ("shard", "project_id") WHERE "recovered_at" IS NULL;
CREATE INDEX "outbox_project_id_user_id_accepted_at_idx" ON "outbox" ("project_id", "user_id", "accepted_at");
CREATE UNIQUE INDEX "outbox_idempotency_idx" ON "outbox" ("project_id", "user_id", "idempotency_key");

-- Stream entries that failed for a reason of their own and are tried again. What they say of themselves stands beside
-- them where it could be read.
CREATE TABLE "parked_events" (
    "shard" INTEGER NOT NULL,
    "stream_id" TEXT NOT NULL,
    "fields" TEXT[] NOT NULL,
    "project_id" TEXT,
    "user_id" TEXT,
    "request_id" TEXT,
    "error" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL,
    "next_attempt_at" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "parked_events_pkey" PRIMARY KEY ("shard", "stream_id")
);

CREATE INDEX "parked_events_next_attempt_at_idx" ON "parked_events" ("next_attempt_at");
CREATE INDEX "parked_events_project_id_idx" ON "parked_events" ("project_id");
CREATE INDEX "parked_events_request_id_idx" ON "parked_events" ("request_id");

-- withdrawn_at: its vote was taken out of Redis and its voter told. resolution: replayed, superseded or dropped.
ALTER TABLE "dead_letters"
    ADD COLUMN "project_id" TEXT,
    ADD COLUMN "user_id" TEXT,
    ADD COLUMN "request_id" TEXT,
    ADD COLUMN "attempts" INTEGER NOT NULL DEFAULT 1,
    ADD COLUMN "withdrawn_at" TIMESTAMPTZ(3),
    ADD COLUMN "withdrawn_version" BIGINT,
    ADD COLUMN "resolution" TEXT,
    ADD COLUMN "resolved_at" TIMESTAMPTZ(3),
    ADD COLUMN "replay_request_id" TEXT;

CREATE INDEX "dead_letters_request_id_idx" ON "dead_letters" ("request_id");
CREATE INDEX "dead_letters_created_at_idx" ON "dead_letters" ("created_at" DESC, "shard" DESC, "stream_id" DESC);
CREATE INDEX "dead_letters_unsettled_idx" ON "dead_letters" ("created_at") WHERE "withdrawn_at" IS NULL;

CREATE TABLE "notifications" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "user_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "milestone" BIGINT NOT NULL,
    "text" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "pushed_at" TIMESTAMPTZ(3),
    "read_at" TIMESTAMPTZ(3),

    CONSTRAINT "notifications_pkey" PRIMARY KEY ("id")
);

-- Makes a notification exactly once, however often its job runs.
CREATE UNIQUE INDEX "notifications_project_id_kind_milestone_key" ON "notifications" ("project_id", "kind", "milestone");
CREATE INDEX "notifications_user_id_created_at_id_idx" ON "notifications" ("user_id", "created_at" DESC, "id" DESC);

-- Of millions of notifications, those that wait to be told: usually none.
CREATE INDEX "notifications_unpushed_idx" ON "notifications" ("created_at") WHERE "pushed_at" IS NULL;
-- And those not read, which every page of them counts.
CREATE INDEX "notifications_unread_idx" ON "notifications" ("user_id", "created_at" DESC, "id" DESC) WHERE "read_at" IS NULL;

-- Community score: the Wilson lower bound over all votes on an owner's projects.
CREATE TABLE "owner_scores" (
    "owner_id" TEXT NOT NULL,
    "projects" INTEGER NOT NULL,
    "upvotes" BIGINT NOT NULL,
    "downvotes" BIGINT NOT NULL,
    "score" DOUBLE PRECISION NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "owner_scores_pkey" PRIMARY KEY ("owner_id")
);

CREATE INDEX "projects_owner_id_idx" ON "projects" ("owner_id");
