-- A launch has two instants, each of which ends a period of its project once. Only up-votes count on a launch.
ALTER TABLE "projects"
    ADD COLUMN "opens_at" TIMESTAMPTZ(6),
    ADD COLUMN "closes_at" TIMESTAMPTZ(6),
    ADD COLUMN "up_only" BOOLEAN NOT NULL DEFAULT false;

-- Periods that ended. upvotes and downvotes are those of the rows and move while late votes of the period arrive.
-- closed_upvotes and closed_downvotes are what Redis counted at the instant, to be held against them.
CREATE TABLE "project_periods" (
    "project_id" TEXT NOT NULL,
    "period" INTEGER NOT NULL,
    "upvotes" BIGINT NOT NULL DEFAULT 0,
    "downvotes" BIGINT NOT NULL DEFAULT 0,
    "closed_upvotes" BIGINT,
    "closed_downvotes" BIGINT,
    "ended_at" TIMESTAMPTZ(6),

    CONSTRAINT "project_periods_pkey" PRIMARY KEY ("project_id", "period")
);
