-- Leaderboards, as the periodic sync brings them here from Redis.
CREATE TABLE "leaderboard_entries" (
    "period" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    -- By bytes, so that pages by user are read along the primary key, whatever language the database speaks.
    "user_id" TEXT COLLATE "C" NOT NULL,
    "points" BIGINT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "leaderboard_entries_pkey" PRIMARY KEY ("period", "key", "user_id")
);
CREATE INDEX "leaderboard_entries_points_idx" ON "leaderboard_entries" ("period", "key", "points" DESC);

-- One turn of a period. A frozen one has had its last sync: its rows never change again.
CREATE TABLE "leaderboard_boards" (
    "period" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "frozen_at" TIMESTAMPTZ(3),
    -- How many rows it has, kept by whoever writes them.
    "entries" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "leaderboard_boards_pkey" PRIMARY KEY ("period", "key")
);

-- Points given by hand: with the votes, what the boards can be counted from again.
CREATE TABLE "score_events" (
    "user_id" TEXT NOT NULL,
    "request_key" TEXT NOT NULL,
    "points" BIGINT NOT NULL,
    "given_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "score_events_pkey" PRIMARY KEY ("user_id", "request_key", "given_at")
);
CREATE INDEX "score_events_given_at_idx" ON "score_events" ("given_at");

CREATE TABLE "sync_runs" (
    "id" UUID NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "finished_at" TIMESTAMPTZ(3),
    -- schedule | manual | restore | undo
    "trigger" TEXT NOT NULL,
    -- running | done | failed | refused | interrupted
    "status" TEXT NOT NULL DEFAULT 'running',
    "dry_run" BOOLEAN NOT NULL DEFAULT false,
    "full_sync" BOOLEAN NOT NULL DEFAULT false,
    "report" JSONB,
    "error" TEXT,

    CONSTRAINT "sync_runs_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "sync_runs_started_at_idx" ON "sync_runs" ("started_at" DESC);

-- Rows as they were before a run changed them. Null points: there was none.
CREATE TABLE "sync_backups" (
    "run_id" UUID NOT NULL,
    "period" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "points" BIGINT,

    CONSTRAINT "sync_backups_pkey" PRIMARY KEY ("run_id", "period", "key", "user_id")
);

-- One row: whether the sync runs by itself, and which life of the boards in Redis these rows belong to.
CREATE TABLE "sync_state" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "next_run_at" TIMESTAMPTZ(3),
    "last_full_at" TIMESTAMPTZ(3),
    "boards_epoch" UUID,

    CONSTRAINT "sync_state_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "sync_state_one_row" CHECK ("id" = 1)
);
INSERT INTO "sync_state" DEFAULT VALUES;
