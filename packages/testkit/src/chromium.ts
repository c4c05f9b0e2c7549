/** A real Chromium for tests of pages: `CHROMIUM_PATH`, one on the PATH, else installed as Redis would be. */
import { tmpdir } from "node:os";
import { findOnPath, installSystemPackage } from "@votesync/local-stack";

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const CHROMIUM = {
  what: "Chromium",
  aptGet: "chromium",
  dnf: ["chromium"],
  apk: ["chromium"],
  brew: ["chromium"],
};

/** Its own network traffic is switched off: it asks for nothing but the page. */
export const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** @throws when there is none and none can be had, saying what to do */
export async function findChromium(): Promise<string> {
  const given = process.env.CHROMIUM_PATH;
  if (given !== undefined && given !== "") return given;
  const found = await findOnPath(PROGRAMS, process.env);
  if (found !== null) return found;
  const log = { info: () => undefined, warn: (_info: object, message: string) => console.warn(message) };
  const tried = await installSystemPackage({ dataDir: tmpdir(), log }, CHROMIUM);
  const installed = await findOnPath(PROGRAMS, process.env);
  if (installed === null) throw new Error(`no Chromium here (${tried}): install it, or set CHROMIUM_PATH`);
  return installed;
}
