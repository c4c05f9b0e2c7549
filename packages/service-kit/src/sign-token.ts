import { SignJWT } from "jose";
import type { AuthConfig } from "./auth-config.js";
import { problem } from "./problem.js";

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
