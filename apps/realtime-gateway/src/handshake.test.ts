import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import { TEST_SECRET, testPostgresUrl, testRedisUrl, testToken, uniqueName } from "@votesync/testkit";
import { startTestGateway, stopTestGateways, type TestGateway } from "./gateway.testing.js";
import { Watcher } from "./watcher.testing.js";

let gateway: TestGateway;

beforeAll(async () => {
  const names = new RedisNames(1, uniqueName("handshake"));
  const servers = { redisUrl: testRedisUrl(), databaseUrl: testPostgresUrl() };
  gateway = await startTestGateway(
    { ...servers, names, secret: TEST_SECRET },
    { corsOrigins: ["http://page.example"] },
  );
});
afterEach(Watcher.closeAll);
afterAll(stopTestGateways);

async function connects(auth: object, extraHeaders: Record<string, string> = {}): Promise<void> {
  await Watcher.connect(gateway.url, { auth, extraHeaders, reconnection: false });
}

test("nobody in particular may connect, and somebody with a good token", async () => {
  await connects({});
  await connects({ token: await testToken("ann") });
});

const alteredToken = async () => `${(await testToken("ann")).slice(0, -8)}AAAAAAAA`;
const unsignedToken = () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none", typ: "JWT" })}.${part({ sub: "ann", exp: 4_102_444_800 })}.`;
};

const BAD_TOKENS: [what: string, token: () => unknown][] = [
  ["a number", () => 42],
  ["null", () => null],
  ["an array", () => ["a", "b"]],
  ["an object", () => ({ $ne: null })],
  ["an empty string", () => ""],
  ["no token at all", () => "hello"],
  ["a token with the wrong signature", alteredToken],
  ["an unsigned token", unsignedToken],
  ["an expired token", () => testToken("ann", { expiresInS: -10 })],
  ["a token of 10 KB", () => "x".repeat(10_000)],
];

test.each(BAD_TOKENS)("%s in place of the token is refused with 401", async (_, token) => {
  const refusal = connects({ token: await token() });
  await expect(refusal).rejects.toMatchObject({
    message: expect.stringMatching(/^The token .*\.$/),
    data: { status: 401, title: "Unauthorized" },
  });
});

test("a page of another origin is refused, whatever transport it takes", async () => {
  await connects({}, { origin: "http://page.example" });
  await expect(connects({}, { origin: "http://elsewhere.example" })).rejects.toThrow();
});
