export * from "./compare-projects.js";
export * from "./evict-cold-projects.js";
export * from "./fallback-recovery.js";
export * from "./project-loader.js";
export * from "./reconcile.js";
export * from "./repair-project.js";
export * from "./shard-trust.js";
export * from "./stores.js";
