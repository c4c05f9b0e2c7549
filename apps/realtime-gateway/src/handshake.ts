/** Who may connect: anybody without a token, to watch; with a token only when it is good. */
import { type Logger, problem, type TokenVerifier, type VerifiedToken, withDeadline } from "@votesync/service-kit";
import type { GatewaySocket } from "./sockets.js";

/** Fetching a key set is the only thing here that takes time. */
const HANDSHAKE_DEADLINE_MS = 2_000;

/** What the client gets as `connect_error`: socket.io sends its message and `data`, and nothing else. */
class HandshakeRefusedError extends Error {
  override readonly name = "HandshakeRefusedError";
  constructor(
    message: string,
    readonly data: { status: number; title: string },
  ) {
    super(message);
  }
}

/** A middleware for `io.use`. `prepare` runs before somebody who signed in is told so; it never fails. */
export function admit(verifier: TokenVerifier, prepare: () => Promise<void>, log: Logger) {
  return (socket: GatewaySocket, next: (refusal?: Error) => void): void => {
    identify(verifier, socket.handshake.auth.token).then(
      async (token) => {
        socket.data.user = token?.identity ?? null;
        if (token !== null) {
          socket.data.tokenExpiresAtMs = token.expiresAtMs;
          await prepare();
        }
        next();
      },
      (error: unknown) => next(refusalOf(error, log)),
    );
  };
}

/** @returns `null` for an anonymous watcher */
async function identify(verifier: TokenVerifier, token: unknown): Promise<VerifiedToken | null> {
  if (token === undefined) return null;
  if (typeof token !== "string") {
    throw problem(401, "The token must be a string; leave it out to watch without signing in.");
  }
  return withDeadline(verifier.verifyWithExpiry(token), HANDSHAKE_DEADLINE_MS, "checking a token");
}

function refusalOf(error: unknown, log: Logger): HandshakeRefusedError {
  if (error instanceof Error && "status" in error && error.status === 401) {
    return new HandshakeRefusedError(error.message, { status: 401, title: "Unauthorized" });
  }
  log.warn({ err: error }, "a token could not be checked");
  const title = "Service Unavailable";
  return new HandshakeRefusedError("The token cannot be checked just now, try again in a moment.", {
    status: 503,
    title,
  });
}
