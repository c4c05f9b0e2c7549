import { expect, test } from "@jest/globals";
import { isHttpError } from "http-errors";
import { type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { createTokenVerifier, requireRole } from "./auth.js";
import type { AuthConfig } from "./auth-config.js";
import { signToken } from "./sign-token.js";

const SECRET = "a secret of the tests, long enough for HS256";
const CONFIG: AuthConfig = { AUTH_JWT_SECRET: SECRET, AUTH_GUEST: false };
const verifier = createTokenVerifier(CONFIG);

const nowS = () => Math.floor(Date.now() / 1_000);
const bytes = (text: string) => new TextEncoder().encode(text);

/** A token as anybody could make it. */
const forge = (payload: JWTPayload, { alg = "HS256", secret = SECRET } = {}) =>
  new SignJWT(payload).setProtectedHeader({ alg }).sign(bytes(secret));

const good = (changes: JWTPayload = {}): JWTPayload => ({ sub: "ann", exp: nowS() + 60, ...changes });

async function refusal(work: Promise<unknown>) {
  const error: unknown = await work.then(
    () => new Error("was not refused"),
    (reason: unknown) => reason,
  );
  if (!isHttpError(error)) throw error;
  return { status: error.status, headers: error.headers, message: error.message };
}

test("a token gives its user and role; an unknown role is a plain user", async () => {
  const identify = async (payload: JWTPayload) => verifier.verify(`Bearer ${await forge(payload)}`);
  expect(await identify(good())).toEqual({ userId: "ann", role: "user" });
  expect(await identify(good({ role: "admin" }))).toEqual({ userId: "ann", role: "admin" });
  expect(await identify(good({ role: "guest" }))).toEqual({ userId: "ann", role: "guest" });
  expect(await identify(good({ role: ["admin"] }))).toEqual({ userId: "ann", role: "user" });
  expect(await identify(good({ role: "superuser" }))).toEqual({ userId: "ann", role: "user" });
});

test.each<[string, () => Promise<string> | string]>([
  ["signed with another secret", () => forge(good(), { secret: "another secret, also long enough" })],
  ["expired", () => forge(good({ exp: nowS() - 1 }))],
  ["without an expiry", () => forge({ sub: "ann" })],
  ["not valid yet", () => forge(good({ nbf: nowS() + 60 }))],
  ["without a subject", () => forge({ exp: nowS() + 60 })],
  ["whose subject is no user id", () => forge(good({ sub: "ann\u0000" }))],
  ["with alg none", () => new UnsecuredJWT(good()).encode()],
  ["of an algorithm that is not listed", () => forge(good(), { alg: "HS512" })],
  ["that was changed", async () => (await forge(good())).replace(/\..*\./, `.${btoa('{"sub":"root"}')}.`)],
  ["longer than 8 KB", () => forge(good({ padding: "x".repeat(9_000) }))],
  ["that is none", () => "not.a.token"],
])("a token %s is refused with 401", async (_what, make) => {
  const { status, headers } = await refusal(verifier.verify(`Bearer ${await make()}`));
  expect([status, headers]).toEqual([401, { "WWW-Authenticate": "Bearer" }]);
});

test.each([undefined, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b"])(
  "the header %p is refused with 401",
  async (header) => {
    expect((await refusal(verifier.verify(header))).status).toBe(401);
  },
);

test("the scheme is read in any case, as HTTP has it", async () => {
  expect(await verifier.verify(`bearer ${await forge(good())}`)).toMatchObject({ userId: "ann" });
});

test("issuer and audience are checked when they are configured", async () => {
  const strict = createTokenVerifier({ ...CONFIG, AUTH_ISSUER: "https://id", AUTH_AUDIENCE: "votes" });
  const right = { iss: "https://id", aud: "votes" };
  expect(await strict.verifyToken(await forge(good(right)))).toMatchObject({ userId: "ann" });
  for (const wrong of [{ ...right, iss: "https://other" }, { ...right, aud: "shop" }, {}]) {
    expect((await refusal(strict.verifyToken(await forge(good(wrong))))).status).toBe(401);
  }
});

test("a token that passed is known at once from then on; one that failed never is", async () => {
  const fresh = createTokenVerifier(CONFIG);
  const header = `Bearer ${await forge(good())}`;
  expect(fresh.verifyCached(header)).toBeUndefined();
  await fresh.verify(header);
  expect(fresh.verifyCached(header)).toEqual({ userId: "ann", role: "user" });

  const bad = `Bearer ${await forge(good(), { secret: "another secret, also long enough" })}`;
  await refusal(fresh.verify(bad));
  expect(fresh.verifyCached(bad)).toBeUndefined();
  expect(fresh.verifyCached(undefined)).toBeUndefined();
});

test("a token says when it ends, the first time and when it is known", async () => {
  const fresh = createTokenVerifier(CONFIG);
  const exp = nowS() + 60;
  const token = await forge(good({ exp }));
  const verified = { identity: { userId: "ann", role: "user" }, expiresAtMs: exp * 1_000 };
  expect(await fresh.verifyWithExpiry(token)).toEqual(verified);
  expect(await fresh.verifyWithExpiry(token)).toEqual(verified);
});

test("a known token ends with its expiry", async () => {
  const fresh = createTokenVerifier(CONFIG);
  const exp = nowS() + 1;
  const token = await forge(good({ exp }));
  await fresh.verifyToken(token);
  // The one fact this waits for is time itself.
  await new Promise((resolve) => setTimeout(resolve, exp * 1_000 - Date.now() + 1));
  expect(fresh.verifyCached(`Bearer ${token}`)).toBeUndefined();
  expect(await refusal(fresh.verifyToken(token))).toMatchObject({ status: 401, message: "The token has expired." });
});

test("a token we sign passes our own check, issuer and audience included", async () => {
  const config = { ...CONFIG, AUTH_ISSUER: "https://id", AUTH_AUDIENCE: "votes" };
  const token = await signToken(config, { sub: "root", role: "admin", expiresIn: 60 });
  expect(await createTokenVerifier(config).verifyToken(token)).toEqual({ userId: "root", role: "admin" });
});

test("where an identity provider makes the tokens, none is signed here", async () => {
  const config = { AUTH_JWKS_URL: "https://id.example/keys", AUTH_GUEST: false };
  expect((await refusal(signToken(config, { sub: "ann", expiresIn: 60 }))).status).toBe(501);
});

test("a role that is not asked for is refused with 403", () => {
  expect(() => requireRole({ userId: "root", role: "admin" }, "admin")).not.toThrow();
  expect(() => requireRole({ userId: "ann", role: "user" }, "admin")).toThrow(expect.objectContaining({ status: 403 }));
});
