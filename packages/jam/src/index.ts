export * from "./jam-actions.js";
export * from "./jam-queues.js";
export * from "./jam-stores.js";
export * from "./play-next.js";
