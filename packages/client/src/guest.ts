/** A guest's token, remembered in the browser, for sites that have no accounts. */
import { Http } from "./request.js";
import { TokenSource } from "./token-source.js";

/**
 * What `token` of a client may be: the guest this browser is known as, a new one when that token is not taken any more, `null`
 * where guests are not let in.
 * @param url of vote-api
 */
export function guestToken(url: string): () => Promise<string | null> {
  const key = `votesync.guest:${url}`;
  let asked = false;
  return async () => {
    const remembered = asked ? null : read(key);
    // Asked again: what was given last is refused.
    asked = true;
    if (remembered !== null) return remembered;
    const http = new Http(url, new TokenSource(null));
    const answer = await http
      .json<{ data: { token: string } }>("/api/session/guest", { method: "POST" })
      .catch((error: { status?: number | null }) => {
        if (error.status === 403) return null;
        throw error;
      });
    if (answer !== null) write(key, answer.data.token);
    return answer?.data.token ?? null;
  };
}

/** Storage may be switched off. */
function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, token: string): void {
  try {
    localStorage.setItem(key, token);
  } catch {
    // A guest for this page alone, then.
  }
}
