/** The folder `examples` and `docs/clients.md`, as their readers run them: real services, a real browser, pages of another origin. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { CHROMIUM_ARGUMENTS, findChromium, type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { type Browser, chromium, type Page } from "playwright-core";
import { newPage } from "./browsers.js";
import { Installation, postJson } from "./installation.js";
import { addStream, makeJam } from "./jams.js";
import { inRepository, run } from "./programs.js";
import { Site } from "./site.js";

/** What the examples say, and readers replace by their own. */
const ADDRESS_IN_EXAMPLES = "http://localhost:3000";

let installation: Installation;
let api: ServiceProcess;
let browser: Browser;
let built: string;
const sites: Site[] = [];

beforeAll(async () => {
  installation = await Installation.create({ AUTH_GUEST: "true", VOTE_RATE_MAX: "0", SYNC_INTERVAL_MS: "200" });
  const gateway = await installation.start("realtime-gateway");
  await installation.start("vote-worker");
  await installation.start("sync-scheduler");
  api = await installation.start("vote-api", { REALTIME_PORT: String(gateway.port) });
  await installation.createProjects(api, ["rocket"]);
  browser = await chromium.launch({ executablePath: await findChromium(), args: CHROMIUM_ARGUMENTS });
  built = await mkdtemp(join(tmpdir(), "votesync-example-"));
}, 300_000);
afterAll(async () => {
  await browser?.close();
  for (const site of sites) await site.stop();
  await rm(built, { recursive: true, force: true });
  await installation.remove();
});

async function startSite(folder: string | null = null): Promise<Site> {
  const site = await Site.start(folder);
  sites.push(site);
  return site;
}

async function open(url: string): Promise<{ page: Page; errors: string[] }> {
  const page = await newPage(browser);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.location().url.endsWith("favicon.ico")) errors.push(message.text());
  });
  await page.goto(url);
  return { page, errors };
}

const vote = async (user: string, project_id: string) =>
  postJson(`${api.url}/api/votes`, await testToken(user), { project_id, vote_type: "up" });

test("plain HTML: one script tag from another origin, and guests vote", async () => {
  const html = await readFile(inRepository("examples/plain-html/index.html"), "utf8");
  expect(html.match(/<script/g)).toHaveLength(1);
  const site = await startSite();
  const url = site.page("/", html.replaceAll(ADDRESS_IN_EXAMPLES, api.url));
  const [ann, ben] = [await open(url), await open(url)];
  const count = ({ page }: { page: Page }) => page.getByRole("status").first().textContent();
  await waitFor("counts", async () => (await count(ann)) === "0" && (await count(ben)) === "0");
  await ann.page.getByRole("button", { name: "Vote up: Rocket" }).click();
  await waitFor("the vote on both pages", async () => (await count(ann)) === "1" && (await count(ben)) === "1");
  await ben.page.getByRole("button", { name: "Vote down: Rocket" }).click();
  await waitFor("both votes on both pages", async () => (await count(ann)) === "0" && (await count(ben)) === "0");
  await installation.drained();
  const rows = await installation.query<{ vote_type: string }>(
    "SELECT vote_type FROM votes WHERE project_id = 'rocket'",
  );
  expect(rows.map(({ vote_type }) => vote_type).sort()).toEqual(["down", "up"]);
  expect([...ann.errors, ...ben.errors]).toEqual([]);
});

test("the script may be used by any site, is asked for with what one has, and comes zipped to who takes that", async () => {
  const address = `${api.url}/vote-button.js`;
  const first = await fetch(address, { headers: { Origin: "https://example.com" } });
  expect(first.status).toBe(200);
  expect(Object.fromEntries(first.headers)).toMatchObject({
    "content-type": "text/javascript; charset=utf-8",
    "content-encoding": "gzip",
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": "*",
    "x-content-type-options": "nosniff",
  });
  expect(first.headers.get("cache-control")).toMatch(/^public, max-age=\d+/);
  const plain = await fetch(address, { headers: { "Accept-Encoding": "identity" } });
  expect(plain.headers.get("content-encoding")).toBeNull();
  expect(await plain.text()).toBe(await first.text());
  const validation = { "If-None-Match": first.headers.get("etag") as string, "Cache-Control": "max-age=0" };
  const again = await fetch(address, { headers: validation });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  expect((await fetch(address, { method: "HEAD" })).status).toBe(200);
  expect((await fetch(address, { method: "POST" })).headers.get("allow")).toBe("GET, HEAD");
});

test("React: a queue in everybody's order, a button of one's own, a leaderboard, and a toast when counts are corrected", async () => {
  await makeJam(api, "friday");
  const [a, b] = [await addStream(api, "friday", "First"), await addStream(api, "friday", "Second")];
  const vite = inRepository("examples/react/node_modules/vite/bin/vite.js");
  await run("examples/react", vite, ["build", "--outDir", built], { VITE_VOTESYNC_URL: api.url });
  const site = await startSite(built);
  const { page, errors } = await open(site.url);
  await page.getByText("Connection: live").waitFor();
  const order = async () => (await page.getByRole("listitem").allTextContents()).join();
  await waitFor("the queue", async () => (await order()).startsWith("First ▲0▼,Second ▲0▼"));
  await page.getByRole("button", { name: "Vote up: Second" }).click();
  await waitFor("the new order", async () => (await order()).startsWith("Second ▲1▼,First ▲0▼"));
  await page.getByRole("button", { name: "Like rocket" }).click();
  await page.getByText("2 likes").waitFor();
  await vote("ann", a);
  await waitFor("the leaders", async () => (await order()).includes("host: 2"));
  await installation.drained();
  await installation.redis.hset(installation.names.project(b), { upvotes: "41" });
  await page.getByText(`The votes of ${b} were counted again.`).waitFor();
  await waitFor("the right count", async () => (await order()).includes("Second ▲1▼"));
  expect(errors).toEqual([]);
}, 240_000);

test("the document shows what was run here", async () => {
  const text = await readFile(inRepository("docs/clients.md"), "utf8");
  for (const path of ["node-script/main.mjs", "react/src/song.tsx", "typed-client/src/main.ts"]) {
    expect(text).toContain((await readFile(inRepository(`examples/${path}`), "utf8")).trim());
  }
  const html = await readFile(inRepository("examples/plain-html/index.html"), "utf8");
  for (const line of html.match(/<script.*|<vote-button.*/g) ?? []) expect(text).toContain(line);
});

test("a Node script makes a project, votes, and sees its count", async () => {
  const printed = await run("examples/node-script", "main.mjs", [], {
    VOTESYNC_URL: api.url,
    VOTESYNC_TOKEN: await testToken("script"),
  });
  expect(printed.trim().split("\n").at(-1)).toMatch(/^\S+: 1 up, 0 down$/);
});

test("types made from the served description compile, and a program with them votes", async () => {
  const folder = "examples/typed-client";
  const bin = (path: string) => inRepository(`${folder}/node_modules/${path}`);
  const { scripts } = JSON.parse(await readFile(inRepository(`${folder}/package.json`), "utf8"));
  expect(scripts.generate).toBe(
    `openapi-typescript \${VOTESYNC_URL:-${ADDRESS_IN_EXAMPLES}}/openapi.json --output generated/votesync.d.ts`,
  );
  const description = `${api.url}/openapi.json`;
  await run(folder, bin("openapi-typescript/bin/cli.js"), [description, "--output", "generated/votesync.d.ts"]);
  await run(folder, bin("typescript/bin/tsc"), ["-p", "tsconfig.json"]);
  const env = { VOTESYNC_URL: api.url, VOTESYNC_TOKEN: await testToken("typed") };
  expect(await run(folder, "dist/main.js", [], env)).toBe("Made by a typed program: 1 up, 0 down\n");
}, 240_000);
