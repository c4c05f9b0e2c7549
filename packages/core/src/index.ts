export * from "./ids.js";
export * from "./names.js";
export * from "./project.js";
export * from "./ranking.js";
export * from "./request-id.js";
export * from "./requests.js";
export * from "./vote.js";
export * from "./vote-event.js";
