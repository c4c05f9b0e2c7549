export * from "./database.js";
export * from "./names.js";
export * from "./servers.js";
export * from "./wait-for.js";
