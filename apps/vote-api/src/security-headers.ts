import type { RequestHandler } from "express";
import helmet from "helmet";
import { type RealtimeAddress, realtimeUrls } from "./web-routes.js";

/** For answers that are data and never a page; what OWASP's REST cheat sheet asks for. */
export const API_SECURITY_HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
} as const;

/** Security headers: what data needs below `/api`, what pages need elsewhere. */
export function securityHeaders(realtime: RealtimeAddress): RequestHandler {
  const gateways = (req: unknown): string =>
    realtimeUrls(realtime, req as Parameters<typeof realtimeUrls>[1])
      .map((url) => `${url} ${url.replace(/^http/, "ws")}`)
      .join(" ");
  const page = helmet({
    contentSecurityPolicy: {
      directives: {
        "connect-src": ["'self'", gateways],
        "img-src": ["'self'", "data:"],
        "style-src": ["'self'"],
        // The page must also work where nothing speaks TLS: on a developer's machine.
        "upgrade-insecure-requests": null,
      },
    },
  });
  return (req, res, next) => {
    if (!req.path.startsWith("/api/")) return page(req, res, next);
    res.set(API_SECURITY_HEADERS);
    next();
  };
}
