export * from "./cast-vote.js";
export * from "./connection.js";
export * from "./counts.js";
export * from "./event-stream.js";
export * from "./hold-project.js";
export * from "./load-project.js";
export * from "./outcomes.js";
export * from "./redis-clock.js";
