/** How many requests an address and a user may send in a minute, whichever way they come in. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken } from "@votesync/testkit";
import { Installation } from "./installation.js";

const MAX = 6;

let installation: Installation;

beforeAll(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
});
afterAll(() => installation.remove());

async function ask(api: ServiceProcess, o: { path: string; user?: string; from?: string; vote?: boolean }) {
  const headers = {
    ...(o.user === undefined ? {} : { authorization: `Bearer ${await testToken(o.user)}` }),
    ...(o.from === undefined ? {} : { "x-forwarded-for": o.from }),
    "content-type": "application/json",
  };
  const body = o.vote === true ? { body: JSON.stringify({ project_id: "nowhere", vote_type: "up" }) } : {};
  const response = await fetch(`${api.url}${o.path}`, { method: o.vote === true ? "POST" : "GET", headers, ...body });
  await response.body?.cancel();
  return response;
}

function expectRefused(response: Response): void {
  expect(response.status).toBe(429);
  expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  expect(response.headers.get("ratelimit-limit")).toBe(String(MAX));
  expect(response.headers.get("ratelimit-remaining")).toBe("0");
  expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
}

test("of an address: so many over all routes, then refused; what watches over the service is not counted", async () => {
  const api = await installation.start("vote-api", { HTTP_RATE_MAX: String(MAX) });
  const spoofed = () => `10.0.0.${Math.floor(Math.random() * 250)}`;
  for (let i = 0; i < MAX; i++) {
    const vote = i % 2 === 0;
    const response = await ask(api, {
      path: vote ? "/api/votes" : "/api/projects",
      user: "ann",
      vote,
      from: spoofed(),
    });
    expect(response.status).toBe(vote ? 404 : 200);
    if (!vote) expect(response.headers.get("ratelimit-remaining")).toBe(String(MAX - i - 1));
  }
  expectRefused(await ask(api, { path: "/api/projects", from: spoofed() }));
  expectRefused(await ask(api, { path: "/api/votes", user: "ann", vote: true, from: spoofed() }));
  for (const path of ["/healthz", "/readyz", "/metrics", "/statusz"]) {
    expect([200, 503]).toContain((await ask(api, { path })).status);
  }
});

test("behind a trusted proxy each client has its own; of IPv6 each network", async () => {
  const api = await installation.start("vote-api", { HTTP_RATE_MAX: String(MAX), TRUST_PROXY: "1" });
  const all = (from: string, vote = false) =>
    Promise.all(
      Array.from({ length: MAX }, () =>
        ask(api, { path: vote ? "/api/votes" : "/api/projects", user: "ann", vote, from }),
      ),
    );
  await all("198.51.100.1");
  expectRefused(await ask(api, { path: "/api/projects", from: "198.51.100.1" }));
  expect((await ask(api, { path: "/api/projects", from: "198.51.100.2" })).status).toBe(200);
  await all("2001:db8:1:2::1", true);
  expectRefused(await ask(api, { path: "/api/votes", user: "ann", vote: true, from: "2001:db8:1:2:ffff::9" }));
  expect((await ask(api, { path: "/api/votes", user: "ann", vote: true, from: "2001:db8:1:3::1" })).status).toBe(404);
});

test("of a user, from wherever", async () => {
  const api = await installation.start("vote-api", { HTTP_USER_RATE_MAX: String(MAX), TRUST_PROXY: "1" });
  for (let i = 0; i < MAX; i++) {
    const vote = i % 2 === 0;
    const path = vote ? "/api/votes" : "/api/notifications";
    expect((await ask(api, { path, user: "ann", vote, from: `198.51.100.${i}` })).status).toBe(vote ? 404 : 200);
  }
  expectRefused(await ask(api, { path: "/api/votes", user: "ann", vote: true, from: "198.51.100.99" }));
  expectRefused(await ask(api, { path: "/api/notifications", user: "ann" }));
  expect((await ask(api, { path: "/api/notifications", user: "bob" })).status).toBe(200);
});
