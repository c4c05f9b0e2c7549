/** Tokens as the page sees them. It never checks one: that is the server's work. */

/**
 * The user id a JWT names.
 * @returns `null` when this is no JWT
 */
export function tokenSubject(token: string): string | null {
  const sub = claimsOf(token)?.sub;
  return typeof sub === "string" && sub !== "" ? sub : null;
}

/** Whether a JWT says that it is an admin's: what to show, not what is allowed. */
export function isAdminToken(token: string): boolean {
  return claimsOf(token)?.role === "admin";
}

function claimsOf(token: string): { sub?: unknown; role?: unknown } | null {
  try {
    const payload = token.split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown; role?: unknown };
  } catch {
    return null;
  }
}

/**
 * The token in an address's hash, `#token=…` or `#?token=…`. A hash is never sent to any server, so a token in it
 * ends up in no access log.
 */
export function tokenInHash(hash: string): string | null {
  const token = new URLSearchParams(hash.replace(/^#\??/, "")).get("token")?.trim();
  return token ? token : null;
}
