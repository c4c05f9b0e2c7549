import { type Identity, problem, requireRole, type TokenVerifier } from "@votesync/service-kit";
import type { RequestHandler, Response } from "express";
import type { RequestLimits } from "./request-limits.js";

/** Who may call: from the `Authorization` header to an identity this installation lets in. */
export function createAuthenticator(verifier: TokenVerifier, guestsAllowed: boolean) {
  const admit = (identity: Identity): Identity => {
    if (identity.role === "guest" && !guestsAllowed) throw problem(403, "Guests are not let in here (AUTH_GUEST).");
    return identity;
  };
  return (authorization: string | undefined): Identity | Promise<Identity> => {
    const cached = verifier.verifyCached(authorization);
    return cached === undefined ? verifier.verify(authorization).then(admit) : admit(cached);
  };
}
export type Authenticator = ReturnType<typeof createAuthenticator>;

/** Express: lets only identified callers pass who have not asked too often, and remembers who they are. */
export function requireIdentity(authenticate: Authenticator, limits: RequestLimits): RequestHandler {
  return async (req, res, next) => {
    const identity = await authenticate(req.headers.authorization);
    await limits.user(identity.userId);
    res.locals.identity = identity;
    next();
  };
}

/** Express: whoever says who they are must be right; whoever does not may go on as nobody. */
export function admitAnybody(authenticate: Authenticator, limits: RequestLimits): RequestHandler {
  const identify = requireIdentity(authenticate, limits);
  return (req, res, next) => (req.headers.authorization === undefined ? next() : identify(req, res, next));
}

/** The caller of a route behind `admitAnybody`; `null` for nobody. */
export function callerOf(res: Response): Identity | null {
  return (res.locals as { identity?: Identity }).identity ?? null;
}

/** Express, behind `requireIdentity`: lets only admins pass. */
export const requireAdmin: RequestHandler = (_req, res, next) => {
  requireRole(identityOf(res), "admin");
  next();
};

/** The caller of a route behind `requireIdentity`. */
export function identityOf(res: Response): Identity {
  const { identity } = res.locals as { identity?: Identity };
  if (identity === undefined) throw new Error("the route is not behind requireIdentity");
  return identity;
}
