export * from "./points-reader.js";
export * from "./read-board.js";
export * from "./restore.js";
export * from "./sync.js";
export * from "./sync-errors.js";
export * from "./sync-report.js";
