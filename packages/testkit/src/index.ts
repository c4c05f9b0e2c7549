export * from "./chromium.js";
export * from "./database.js";
export * from "./names.js";
export * from "./own-redis.js";
export * from "./servers.js";
export * from "./service-process.js";
export * from "./tokens.js";
export * from "./wait-for.js";
