/**
 * A token, `null` to only watch, or what gives one: asked again once the server has refused the last, which it is told.
 */
export type TokenOption = string | null | ((refused: string | null) => string | null | Promise<string | null>);

/** Who the client speaks as. Tokens refused at the same time share one new asking. */
export class TokenSource {
  #option: TokenOption;
  #asking: Promise<string | null> | null = null;
  #refused: string | null = null;
  #session = 0;

  constructor(option: TokenOption) {
    this.#option = option;
  }

  /** Another one whenever somebody else has signed in: what was asked for in the one before is not theirs. */
  get session(): number {
    return this.#session;
  }

  /** Somebody else from now on. */
  replace(option: TokenOption): void {
    this.#session++;
    this.#option = option;
    this.#asking = null;
    this.#refused = null;
  }

  /** @returns `null` for an anonymous watcher. @throws what the function throws; then it is asked again next time */
  current(): Promise<string | null> {
    if (this.#asking !== null) return this.#asking;
    const refused = this.#refused;
    const asking = given(this.#option, refused).then((token) => (token === refused ? null : token));
    this.#asking = asking;
    asking.catch(() => {
      if (this.#asking === asking) this.#asking = null;
    });
    return asking;
  }

  /** The server does not take this one. @returns another one, `null` where there is none */
  async refused(token: string): Promise<string | null> {
    if ((await this.current()) === token) {
      this.#refused = token;
      this.#asking = null;
    }
    return this.current();
  }
}

const given = async (option: TokenOption, refused: string | null): Promise<string | null> =>
  typeof option === "function" ? option(refused) : option;
