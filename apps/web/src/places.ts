/** Which page an address asks for. The server answers all of them with the same file. */
import { launchDateOf } from "./launch/calendar.js";

export type Place =
  | { page: "projects" }
  /** `null`: today. */
  | { page: "launch"; date: string | null }
  | { page: "jams" }
  | { page: "jam"; id: string }
  | { page: "host"; id: string }
  | { page: "leaderboard" }
  | { page: "operator" }
  | { page: "sync" };

const JAM_PATH = /^\/jam\/([\w.:-]{1,64})(\/host)?\/?$/;
const PLAIN = { "/jam": "jams", "/leaderboard": "leaderboard", "/operator": "operator", "/sync": "sync" } as const;

export function placeOf(pathname: string): Place {
  const date = launchDateOf(pathname);
  if (date !== undefined) return { page: "launch", date };
  const jam = JAM_PATH.exec(pathname);
  if (jam !== null) return { page: jam[2] === undefined ? "jam" : "host", id: jam[1] as string };
  const page = PLAIN[pathname.replace(/(.)\/$/, "$1") as keyof typeof PLAIN];
  return { page: page ?? "projects" };
}
