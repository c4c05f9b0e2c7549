-- One row: the values that all services of this installation use. The first service that knows a setting adds it.
-- VOTE_SHARDS is never in it: the rows of shard_progress are the shards.
CREATE TABLE "installation_settings" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "settings" JSONB NOT NULL DEFAULT '{}',
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "installation_settings_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "installation_settings_one_row" CHECK ("id" = 1)
);
INSERT INTO "installation_settings" DEFAULT VALUES;
