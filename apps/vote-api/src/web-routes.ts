import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import express, { type Request, type RequestHandler, type Response } from "express";

/** Where apps/web is built to; an installation without it serves the API alone. */
const WEB_FOLDER = fileURLToPath(new URL("../../web/dist", import.meta.url));

export interface RealtimeAddress {
  /** Empty: one gateway, on the host that was asked. */
  publicUrls: readonly string[];
  port: number;
}

const HOST = /^([\w.-]{1,253}|\[[0-9a-f:.]{2,45}\])$/i;

/**
 * Where the browser that made this request finds gateways. The Host header is the caller's text and ends up in a
 * security header: what is no host name is left out.
 */
export function realtimeUrls(address: RealtimeAddress, req: Request): readonly string[] {
  if (address.publicUrls.length > 0) return address.publicUrls;
  const host = HOST.test(req.hostname ?? "") ? req.hostname : "localhost";
  return [`${req.secure ? "https" : "http"}://${host}:${address.port}`];
}

/** What the page must know before it can do anything. */
export function pageConfig(o: { realtime: RealtimeAddress; guest: boolean }) {
  return (req: Request, res: Response): void => {
    res.set("Cache-Control", "no-store").json({ realtime_urls: realtimeUrls(o.realtime, req), guest: o.guest });
  };
}

/** Addresses that the page itself makes sense of. */
const PAGE_PATH = /^\/(sync|operator|leaderboard|jam(\/[\w.:-]{1,64}(\/host)?)?|launch(\/\d{4}-\d{2}-\d{2})?)\/?$/;

/** The built page. Its assets carry a hash in their names and may be kept for ever; the page itself never. */
export function webApp(): RequestHandler[] {
  if (!existsSync(WEB_FOLDER)) return [];
  const setHeaders = (res: Response, path: string) => {
    res.set("Cache-Control", path.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
  };
  const files = express.static(WEB_FOLDER, { index: "index.html", redirect: false, setHeaders });
  return [
    (req, res, next) => {
      if (PAGE_PATH.test(req.path)) req.url = "/index.html";
      files(req, res, next);
    },
  ];
}
