-- Launch days. An app's launch belongs to one day and knows the two instants between which its votes count.
-- A row here is what makes it take part: written in the same transaction as the project's instants, and while its day
-- still takes apps. MongoDB holds what people look at.
CREATE TABLE "launch_days" (
    "launch_date" DATE NOT NULL,
    -- From here on the day takes no new app.
    "closed_at" TIMESTAMPTZ(3),
    -- When its results were taken, where from, and when the source said so. They never change again.
    "snapshot_at" TIMESTAMPTZ(3),
    "source" TEXT,
    "counted_at" TIMESTAMPTZ(3),
    -- The digest of the results, beside the one in MongoDB.
    "seal" TEXT,
    -- Everything is where it belongs: nobody needs to look at the day again.
    "finalized_at" TIMESTAMPTZ(3),

    CONSTRAINT "launch_days_pkey" PRIMARY KEY ("launch_date")
);
CREATE INDEX "launch_days_open_idx" ON "launch_days" ("launch_date") WHERE "finalized_at" IS NULL;

CREATE TABLE "launches" (
    "launch_date" DATE NOT NULL,
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "opens_at" TIMESTAMPTZ(6) NOT NULL,
    "closes_at" TIMESTAMPTZ(6) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    -- The result: null until the day's snapshot.
    "votes" BIGINT,
    -- Since when the app had that many votes.
    "reached_at" TIMESTAMPTZ(6),
    -- Of the period that counted, null where the votes come from elsewhere.
    "period" INTEGER,

    CONSTRAINT "launches_pkey" PRIMARY KEY ("launch_date", "project_id")
);
CREATE INDEX "launches_project_id_idx" ON "launches" ("project_id");

-- Whose instants are due is looked for every second.
CREATE INDEX "projects_opens_at_idx" ON "projects" ("opens_at") WHERE "opens_at" IS NOT NULL;
CREATE INDEX "projects_closes_at_idx" ON "projects" ("closes_at") WHERE "closes_at" IS NOT NULL;

-- Projects that Redis must read anew before it takes votes on them: something but a vote has changed here.
CREATE TABLE "pending_reloads" (
    "id" BIGINT GENERATED ALWAYS AS IDENTITY,
    "shard" INTEGER NOT NULL,
    "project_id" TEXT NOT NULL,

    CONSTRAINT "pending_reloads_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "pending_reloads_project_id_idx" ON "pending_reloads" ("project_id");
