export * from "./log.js";
export * from "./mongo-server.js";
export * from "./ports.js";
export * from "./postgres-server.js";
export * from "./redis-server.js";
export * from "./start-servers.js";
export * from "./supervised-process.js";
