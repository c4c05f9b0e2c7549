-- Boards. A project on a board is a stream in its queue until it has been the active one.
CREATE TABLE "boards" (
    "id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "active_id" TEXT,
    -- Grows when streams come or go: microseconds since 1970.
    "version" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),

    CONSTRAINT "boards_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "boards_created_at_idx" ON "boards" ("created_at" DESC, "id" DESC);

ALTER TABLE "projects" ADD COLUMN "left_queue_at" TIMESTAMPTZ(3);
CREATE INDEX "projects_queue_idx" ON "projects" ("board_id", "created_at", "id")
 WHERE "board_id" IS NOT NULL AND "left_queue_at" IS NULL;
