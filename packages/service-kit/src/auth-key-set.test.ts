/** Tokens of an identity provider: a real HTTP server gives out real public keys. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { createTokenVerifier, type TokenVerifier } from "./auth.js";

type Answer = { status: number; body: string };

let server: Server;
let answer: Answer;
let verifier: TokenVerifier;

beforeEach(async () => {
  server = createServer((_req, res) => res.writeHead(answer.status).end(answer.body)).listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  verifier = createTokenVerifier({ AUTH_JWKS_URL: `http://127.0.0.1:${port}/keys`, AUTH_GUEST: false });
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

const claims = () => ({ sub: "ann", exp: Math.floor(Date.now() / 1_000) + 60 });

/** A token of an algorithm, and the key set it is checked with. */
async function provider(alg: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const key = { ...(await exportJWK(publicKey)), kid: alg, alg };
  const token = await new SignJWT(claims()).setProtectedHeader({ alg, kid: alg }).sign(privateKey);
  return { token, keySet: { status: 200, body: JSON.stringify({ keys: [key] }) } };
}

test.each(["RS256", "ES256", "EdDSA"])("%s passes", async (alg) => {
  const { token, keySet } = await provider(alg);
  answer = keySet;
  expect(await verifier.verifyToken(token)).toEqual({ userId: "ann", role: "user" });
});

test("a signature algorithm that is not listed is refused, though its key is in the set", async () => {
  const { token, keySet } = await provider("PS256");
  answer = keySet;
  await expect(verifier.verifyToken(token)).rejects.toMatchObject({ status: 401 });
});

test("a token signed with the public key as if it were a secret is refused", async () => {
  const { keySet } = await provider("RS256");
  answer = keySet;
  const secret = new TextEncoder().encode(keySet.body);
  const token = await new SignJWT(claims()).setProtectedHeader({ alg: "HS256", kid: "RS256" }).sign(secret);
  await expect(verifier.verifyToken(token)).rejects.toMatchObject({ status: 401 });
});

test("a token of a key that is not in the set is refused", async () => {
  answer = (await provider("ES256")).keySet;
  const { token } = await provider("RS256");
  await expect(verifier.verifyToken(token)).rejects.toMatchObject({ status: 401 });
});

test.each<[string, Answer]>([
  ["answers with an error", { status: 500, body: "{}" }],
  ["answers with something else", { status: 200, body: "<html>" }],
  ["answers with JSON that is no key set", { status: 200, body: "{}" }],
])("a key set that %s is our trouble and not the caller's: 503, come again", async (_what, trouble) => {
  const { token, keySet } = await provider("ES256");
  answer = trouble;
  const refused = { status: 503, headers: { "Retry-After": "1" } };
  await expect(verifier.verifyToken(token)).rejects.toMatchObject(refused);
  answer = keySet;
  expect(await verifier.verifyToken(token)).toMatchObject({ userId: "ann" });
});

test("a key set that cannot be reached is a 503 too", async () => {
  const { token } = await provider("ES256");
  server.close();
  server.closeAllConnections();
  await expect(verifier.verifyToken(token)).rejects.toMatchObject({ status: 503 });
});
