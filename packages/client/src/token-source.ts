/** A token, `null` to only watch, or what gives one: asked again once the server has refused the last. */
export type TokenOption = string | null | (() => string | null | Promise<string | null>);

/** Who the client speaks as. Tokens refused at the same time share one new asking. */
export class TokenSource {
  #option: TokenOption;
  #asking: Promise<string | null> | null = null;
  #refused: string | null = null;

  constructor(option: TokenOption) {
    this.#option = option;
  }

  /** Somebody else from now on. */
  replace(option: TokenOption): void {
    this.#option = option;
    this.#asking = null;
    this.#refused = null;
  }

  /** @returns `null` for an anonymous watcher. @throws what the function throws; then it is asked again next time */
  current(): Promise<string | null> {
    if (this.#asking !== null) return this.#asking;
    const option = this.#option;
    const asking = Promise.resolve(typeof option === "function" ? option() : option).then((token) =>
      token === this.#refused ? null : token,
    );
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
