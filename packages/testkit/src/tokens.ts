import { SignJWT } from "jose";

export const TEST_SECRET = "a secret of the tests, long enough for HS256";

/** A token as an identity provider would give it. */
export function testToken(sub: string, claims: { role?: string; expiresInS?: number } = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT(claims.role === undefined ? {} : { role: claims.role })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(sub)
    .setIssuedAt(now)
    .setExpirationTime(now + (claims.expiresInS ?? 3_600))
    .sign(new TextEncoder().encode(TEST_SECRET));
}
