/**
 * Who this page votes as: a token from the address bar, else the remembered one, else a guest's. A token the server
 * refuses is dropped and a guest session takes its place, once: were that one refused too, asking again would not help.
 */
import { RequestError, type TokenOption, type VoteClient } from "@votesync/client";
import { Store } from "../store.js";
import { browserStorage } from "./browser-storage.js";
import { isAdminToken, tokenInHash, tokenSubject } from "./token.js";

const TOKEN_KEY = "votesync.token";

export interface Identity {
  token: string;
  userId: string;
  isAdmin: boolean;
}

export interface SessionState {
  /** `null`: this page can only watch. */
  identity: Identity | null;
  /** Why there is no identity although guests are let in. */
  error: RequestError | null;
}

export class Session {
  readonly state: Store<SessionState>;
  readonly #guestsAllowed: boolean;
  readonly #asNobody: VoteClient;
  #replacedOnce = false;

  /** @param asNobody makes guests */
  constructor(guestsAllowed: boolean, asNobody: VoteClient) {
    this.#guestsAllowed = guestsAllowed;
    this.#asNobody = asNobody;
    const token = takeTokenFromAddressBar() ?? browserStorage.read(TOKEN_KEY);
    this.state = new Store({ identity: token === null ? null : identityOf(token), error: null });
  }

  /** Makes a guest session where there is no identity yet. Never throws: a page without one can still watch. */
  async ensure(): Promise<void> {
    if (this.state.get().identity !== null || !this.#guestsAllowed) return;
    await this.#becomeGuest().catch((error: unknown) => {
      if (!(error instanceof RequestError)) throw error;
      this.state.set({ identity: null, error });
    });
  }

  /** What a client asks for a token; asked again, what it was given has been refused. */
  tokens(): TokenOption {
    let given: string | null = null;
    return async () => {
      if (given !== null && this.#token === given) await this.#replaceRefused();
      given = this.#token;
      return given;
    };
  }

  get #token(): string | null {
    return this.state.get().identity?.token ?? null;
  }

  async #replaceRefused(): Promise<void> {
    browserStorage.write(TOKEN_KEY, null);
    const mayTry = this.#guestsAllowed && !this.#replacedOnce;
    this.#replacedOnce = true;
    if (mayTry) await this.#becomeGuest();
    else this.state.set({ identity: null, error: null });
  }

  async #becomeGuest(): Promise<void> {
    const { data } = await this.#asNobody.request<{ data: { token: string; user_id: string } }>("/api/session/guest", {
      method: "POST",
    });
    browserStorage.write(TOKEN_KEY, data.token);
    this.state.set({ identity: { token: data.token, userId: data.user_id, isAdmin: false }, error: null });
  }
}

function identityOf(token: string): Identity {
  return { token, userId: tokenSubject(token) ?? "unknown", isAdmin: isAdminToken(token) };
}

/** Remembers it and takes it out of the address bar, so that it is neither bookmarked nor shown around. */
function takeTokenFromAddressBar(): string | null {
  const token = tokenInHash(location.hash);
  if (token === null) return null;
  browserStorage.write(TOKEN_KEY, token);
  history.replaceState(null, "", location.pathname + location.search);
  return token;
}
