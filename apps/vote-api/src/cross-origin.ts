import type { IncomingMessage, ServerResponse } from "node:http";
import cors from "cors";

/** Plain `node:http` middleware, so that the fast listener and Express share it. */
export type CrossOrigin = (req: IncomingMessage, res: ServerResponse, next: () => void) => void;

const EXPOSED_HEADERS = [
  "X-Request-Id",
  "RateLimit-Limit",
  "RateLimit-Remaining",
  "RateLimit-Reset",
  "Retry-After",
  "Idempotency-Replayed",
  "Location",
];
const PREFLIGHT_KEPT_S = 600;

/**
 * Lets pages of other origins call the API. There are no cookies, only bearer tokens, so `*` gives nothing away.
 *
 * @param origins `*`, or origins separated by commas
 */
export function createCrossOrigin(origins: string): CrossOrigin {
  const answer = cors({
    origin: origins === "*" ? "*" : origins.split(",").map((origin) => origin.trim()),
    methods: ["GET", "HEAD", "POST"],
    allowedHeaders: ["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_KEPT_S,
  }) as CrossOrigin;
  // Only browsers send an origin; to everybody else the headers would be 200 bytes of every answer.
  return (req, res, next) => {
    if (req.headers.origin === undefined) next();
    else answer(req, res, next);
  };
}
