import { problem } from "@votesync/service-kit";
import type { RequestHandler } from "express";

/** For pages: whatever does more than read is answered 405. */
export const readOnly: RequestHandler = (req, _res, next) => {
  if (req.method === "GET" || req.method === "HEAD") return next();
  throw problem(405, "This address takes GET, HEAD.", { headers: { Allow: "GET, HEAD" } });
};
