export * from "./connection.js";
export * from "./launch-archive.js";
export * from "./launch-records.js";
