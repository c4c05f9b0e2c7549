/**
 * `/vote-button.js`: `<vote-button>` for pages anywhere, as packages/client builds it. Other than everything else here it is
 * there for all origins, whatever `CORS_ORIGINS` says: it is a public file, and who may call the API is asked there.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { problem } from "@votesync/service-kit";
import type { RequestHandler } from "express";

const FILE = fileURLToPath(new URL("../../../packages/client/dist/bundles/vote-button.js", import.meta.url));

/** The address stays the same from release to release, so it is asked again soon, and answered with 304. */
const KEPT = "public, max-age=600, stale-while-revalidate=86400";

/** An installation without the built file has nothing at the address. */
export function voteButtonScript(): RequestHandler {
  if (!existsSync(FILE)) {
    return () => {
      throw problem(404, "There is nothing at this address.");
    };
  }
  const plain = readFileSync(FILE);
  const zipped = gzipSync(plain, { level: 9 });
  const headers = {
    "Content-Type": "text/javascript; charset=utf-8",
    "Cache-Control": KEPT,
    // Weak, since it stands for the file with and without gzip.
    ETag: `W/"${createHash("sha256").update(plain).digest("base64url")}"`,
    Vary: "Accept-Encoding",
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
  };
  return (req, res) => {
    res.set(headers);
    if (req.acceptsEncodings("gzip") === false) res.send(plain);
    else res.set("Content-Encoding", "gzip").send(zipped);
  };
}
