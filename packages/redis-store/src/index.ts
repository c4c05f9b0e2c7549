export * from "./cast-vote.js";
export * from "./connection.js";
export * from "./counts.js";
export * from "./event-stream.js";
export * from "./load-project.js";
export * from "./redis-clock.js";
