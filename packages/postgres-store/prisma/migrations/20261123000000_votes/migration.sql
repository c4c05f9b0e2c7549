CREATE TYPE "vote_type" AS ENUM ('up', 'down', 'none');
CREATE TYPE "vote_action" AS ENUM ('created', 'changed', 'removed');

-- Counters move with every batch and stand in no index, so that their updates stay within the page (fillfactor).
CREATE TABLE "projects" (
    "id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "url" TEXT,
    "owner_id" TEXT NOT NULL,
    "board_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "period" INTEGER NOT NULL DEFAULT 0,
    "upvotes" BIGINT NOT NULL DEFAULT 0,
    "downvotes" BIGINT NOT NULL DEFAULT 0,
    "version" BIGINT NOT NULL DEFAULT 0,
    "rank_top" BIGINT NOT NULL DEFAULT 0,
    "rank_best" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "rank_hot" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "ranked_version" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "projects_pkey" PRIMARY KEY ("id")
) WITH (fillfactor = 70);

CREATE INDEX "projects_rank_top_id_idx" ON "projects" ("rank_top" DESC, "id" DESC);
CREATE INDEX "projects_rank_best_id_idx" ON "projects" ("rank_best" DESC, "id" DESC);
CREATE INDEX "projects_rank_hot_id_idx" ON "projects" ("rank_hot" DESC, "id" DESC);
CREATE INDEX "projects_created_at_id_idx" ON "projects" ("created_at" DESC, "id" DESC);
CREATE INDEX "projects_board_id_idx" ON "projects" ("board_id");

-- No foreign key to projects: the check would cost a lookup per vote, and the cast already proved the project.
CREATE TABLE "votes" (
    "project_id" TEXT NOT NULL,
    "period" INTEGER NOT NULL,
    "user_id" TEXT NOT NULL,
    "vote_type" "vote_type" NOT NULL,
    "version" BIGINT NOT NULL,
    "voted_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "votes_pkey" PRIMARY KEY ("project_id", "period", "user_id")
) WITH (fillfactor = 90);

CREATE INDEX "votes_user_id_project_id_idx" ON "votes" ("user_id", "project_id");

CREATE TABLE "vote_events" (
    "project_id" TEXT NOT NULL,
    "version" BIGINT NOT NULL,
    "accepted_at" TIMESTAMPTZ(6) NOT NULL,
    "period" INTEGER NOT NULL,
    "user_id" TEXT NOT NULL,
    "action" "vote_action" NOT NULL,
    "vote_type" "vote_type" NOT NULL,
    "previous_vote_type" "vote_type" NOT NULL,
    "upvotes" BIGINT NOT NULL,
    "downvotes" BIGINT NOT NULL,
    "request_id" TEXT NOT NULL,
    "stream_id" TEXT NOT NULL,
    "persisted_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "vote_events_pkey" PRIMARY KEY ("project_id", "version", "accepted_at")
) PARTITION BY RANGE ("accepted_at");

-- Takes what no month's partition takes, so that a missing partition never stops a vote.
CREATE TABLE "vote_events_default" PARTITION OF "vote_events" DEFAULT;

-- Request ids start with their time, so new entries go to the right edge of this index.
CREATE INDEX "vote_events_request_id_idx" ON "vote_events" ("request_id");

CREATE TABLE "shard_progress" (
    "shard" INTEGER NOT NULL,
    "last_id" TEXT NOT NULL DEFAULT '0-0',
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "shard_progress_pkey" PRIMARY KEY ("shard")
);

CREATE TABLE "dead_letters" (
    "shard" INTEGER NOT NULL,
    "stream_id" TEXT NOT NULL,
    "fields" TEXT[] NOT NULL,
    "error" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "dead_letters_pkey" PRIMARY KEY ("shard", "stream_id")
);
