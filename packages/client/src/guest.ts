/** A guest's token, remembered in the browser, for sites that have no accounts. */
import { Http } from "./request.js";
import { TokenSource } from "./token-source.js";

/** Where storage is switched off: a guest for as long as the page is there. */
const kept = new Map<string, string>();
/** Askings of this page under way: whoever asks meanwhile is the same guest. */
const asking = new Map<string, Promise<string | null>>();

/**
 * What `token` of a client may be: the guest this browser is known as, a new one when that token is not taken any more, `null`
 * where guests are not let in. All clients and tabs of a browser are one guest, so nobody votes twice by opening another.
 * @param url of vote-api
 */
export function guestToken(url: string): (refused?: string | null) => Promise<string | null> {
  const key = `votesync.guest:${url}`;
  return async (refused = null) => {
    const remembered = read(key);
    if (remembered !== null && remembered !== refused) return remembered;
    const asked =
      asking.get(key) ?? oneTabAtATime(key, () => anew(url, key, refused)).finally(() => asking.delete(key));
    asking.set(key, asked);
    return asked;
  };
}

async function anew(url: string, key: string, refused: string | null): Promise<string | null> {
  // Another tab may have asked while this one waited.
  const remembered = read(key);
  if (remembered !== null && remembered !== refused) return remembered;
  const http = new Http(url, new TokenSource(null));
  const answer = await http
    .json<{ data: { token: string } }>("/api/session/guest", { method: "POST" })
    .catch((error: { status?: number | null }) => {
      if (error.status === 403) return null;
      throw error;
    });
  if (answer !== null) write(key, answer.data.token);
  return answer?.data.token ?? null;
}

/** Where the browser can tell tabs apart: on https and localhost. */
function oneTabAtATime<T>(name: string, run: () => Promise<T>): Promise<T> {
  const locks = typeof navigator === "undefined" ? undefined : navigator.locks;
  // Typed as always there, which it is not.
  return (locks as LockManager | undefined)?.request(name, run) ?? run();
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key) ?? kept.get(key) ?? null;
  } catch {
    return kept.get(key) ?? null;
  }
}

function write(key: string, token: string): void {
  // In Node there is no one browser, but as many guests as clients.
  if (typeof window !== "undefined") kept.set(key, token);
  try {
    localStorage.setItem(key, token);
  } catch {
    // Kept above.
  }
}
