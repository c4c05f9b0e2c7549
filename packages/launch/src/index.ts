export * from "./day-result.js";
export * from "./launch-stores.js";
export * from "./vote-source.js";
