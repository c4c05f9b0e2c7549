/**
 * Who calls: bearer tokens, checked by `jose`. The key and the algorithms come from the configuration, never from the
 * token: a shared secret admits HS256 alone, a key set admits signatures alone.
 *
 * Tokens that passed are remembered for a minute: checking one costs 35 µs, a tenth of that is all the rest of a
 * vote's authentication. Nothing is remembered of tokens that failed.
 */
import { userIdSchema } from "@votesync/core";
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify, SignJWT } from "jose";
import { LRUCache } from "lru-cache";
import type { AuthConfig } from "./auth-config.js";
import { problem, unavailable } from "./problem.js";

export interface Identity {
  /** The token's `sub`. */
  userId: string;
  role: "admin" | "guest" | "user";
}

export interface TokenVerifier {
  /** @throws {HttpError} 401; 503 when the key set cannot be fetched */
  verify(authorization: string | undefined): Promise<Identity>;
  /** The same for a bare token. */
  verifyToken(token: string): Promise<Identity>;
  /** Answers at once for a token that passed lately; `undefined`: ask `verify`. */
  verifyCached(authorization: string | undefined): Identity | undefined;
}

const MAX_TOKEN_CHARACTERS = 8_192;
const MAX_REMEMBERED_TOKENS = 50_000;
const REMEMBERED_MS = 60_000;
const KEY_SET_TIMEOUT_MS = 2_000;
const BEARER = /^Bearer +([^\s]+)$/i;

interface Remembered {
  identity: Identity;
  expiresAtMs: number;
}

export function createTokenVerifier(config: AuthConfig): TokenVerifier {
  const check = tokenChecker(config);
  const remembered = new LRUCache<string, Remembered>({ max: MAX_REMEMBERED_TOKENS, ttl: REMEMBERED_MS });

  function recall(token: string): Identity | undefined {
    const found = remembered.get(token);
    return found !== undefined && found.expiresAtMs > Date.now() ? found.identity : undefined;
  }

  async function verifyToken(token: string): Promise<Identity> {
    const known = recall(token);
    if (known !== undefined) return known;
    if (token.length > MAX_TOKEN_CHARACTERS) throw unauthorized("The token is too long.");
    const payload = await check(token).catch(rejectToken);
    const identity = identityOf(payload);
    remembered.set(token, { identity, expiresAtMs: (payload.exp as number) * 1_000 });
    return identity;
  }

  return {
    verifyToken,
    verify: async (authorization) => verifyToken(bearerToken(authorization)),
    // The header is "Bearer " and the token in all but the strangest requests.
    verifyCached: (authorization) =>
      authorization?.startsWith("Bearer ") === true ? recall(authorization.slice(7)) : undefined,
  };
}

type TokenCheck = (token: string) => Promise<JWTPayload>;

function tokenChecker(config: AuthConfig): TokenCheck {
  const options = {
    requiredClaims: ["exp", "sub"],
    ...(config.AUTH_ISSUER === undefined ? {} : { issuer: config.AUTH_ISSUER }),
    ...(config.AUTH_AUDIENCE === undefined ? {} : { audience: config.AUTH_AUDIENCE }),
  };
  if (config.AUTH_JWT_SECRET !== undefined) {
    const secret = new TextEncoder().encode(config.AUTH_JWT_SECRET);
    return async (token) => (await jwtVerify(token, secret, { ...options, algorithms: ["HS256"] })).payload;
  }
  const keys: JWTVerifyGetKey = createRemoteJWKSet(new URL(config.AUTH_JWKS_URL as string), {
    timeoutDuration: KEY_SET_TIMEOUT_MS,
  });
  const algorithms = ["RS256", "ES256", "EdDSA"];
  return async (token) => (await jwtVerify(token, keys, { ...options, algorithms })).payload;
}

/** Errors that are about the key set and not about the token. */
const KEY_SET_ERRORS = [errors.JWKSTimeout, errors.JWKSInvalid];

function rejectToken(error: unknown): never {
  const isToken = error instanceof errors.JOSEError && !KEY_SET_ERRORS.some((kind) => error instanceof kind);
  // jose throws its bare JOSEError when the key set answers with something other than 200.
  if (!isToken || error.constructor === errors.JOSEError) {
    throw unavailable("The keys that tokens are checked with cannot be fetched.", error);
  }
  throw unauthorized(error instanceof errors.JWTExpired ? "The token has expired." : "The token is not valid.");
}

function identityOf(payload: JWTPayload): Identity {
  const userId = userIdSchema.safeParse(payload.sub);
  if (!userId.success) throw unauthorized("The token's subject must be 1 to 255 printable characters.");
  const { role } = payload;
  return { userId: userId.data, role: role === "admin" || role === "guest" ? role : "user" };
}

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined) throw unauthorized("Send a token: Authorization: Bearer <token>.");
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) throw unauthorized("The Authorization header must be: Bearer <token>.");
  return token;
}

const unauthorized = (detail: string) => problem(401, detail, { headers: { "WWW-Authenticate": "Bearer" } });

/**
 * A token of our own making: for guests and for the command line. Only with a shared secret.
 * @param claims `expiresIn` in seconds
 */
export async function signToken(
  config: AuthConfig,
  claims: { sub: string; role?: "admin" | "guest"; expiresIn: number },
): Promise<string> {
  if (config.AUTH_JWT_SECRET === undefined) {
    throw problem(501, "Tokens come from your identity provider here; there is no secret to sign with.");
  }
  const now = Math.floor(Date.now() / 1_000);
  const token = new SignJWT(claims.role === undefined ? {} : { role: claims.role })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject(claims.sub)
    .setIssuedAt(now)
    .setExpirationTime(now + claims.expiresIn);
  if (config.AUTH_ISSUER !== undefined) token.setIssuer(config.AUTH_ISSUER);
  if (config.AUTH_AUDIENCE !== undefined) token.setAudience(config.AUTH_AUDIENCE);
  return token.sign(new TextEncoder().encode(config.AUTH_JWT_SECRET));
}
