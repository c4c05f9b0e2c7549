export * from "./project-loader.js";
export * from "./stores.js";
