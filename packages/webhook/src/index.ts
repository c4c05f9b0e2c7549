export * from "./send-webhook.js";
