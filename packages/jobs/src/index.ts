export * from "./job.js";
export * from "./job-queue.js";
export * from "./job-worker.js";
export * from "./jobs.js";
export * from "./launch-jobs.js";
export * from "./leaderboard-jobs.js";
export * from "./reconcile-job.js";
export * from "./side-effect-jobs.js";
