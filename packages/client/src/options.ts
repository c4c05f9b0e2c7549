import type { Activity } from "./activity.js";
import type { Clock } from "./clock.js";
import type { Display } from "./project-votes.js";
import type { TokenOption } from "./token-source.js";

export interface VoteClientOptions {
  /** Of vote-api; left out for the page's own origin. */
  url?: string;
  /** Of the gateways; when one is lost the next is tried. Left out, vote-api says where they are. */
  realtimeUrls?: readonly string[];
  /** A JWT, or what gives one: asked again once it was refused. Left out, the client only watches. */
  token?: TokenOption;
  /** How votes show before they are answered; a board's own mode goes first. `optimistic` when left out. */
  display?: Display;
  /** Clicks within so many ms are one vote. 200 */
  debounceMs?: number;
  /** ms between two votes on one project. 500 */
  minIntervalMs?: number;
  /** Without sockets: ms between two questions while somebody is there. 1,000 */
  pollActiveMs?: number;
  /** And while nobody is. 5,000 */
  pollInactiveMs?: number;
  /** ms without a sign after which nobody is there. 15,000 */
  inactiveAfterMs?: number;
  fetch?: typeof fetch;
  /** For tests. */
  clock?: Clock;
  activity?: Activity;
}

export const DEFAULTS = {
  debounceMs: 200,
  minIntervalMs: 500,
  pollActiveMs: 1_000,
  pollInactiveMs: 5_000,
  inactiveAfterMs: 15_000,
} as const;
