/**
 * Every page in real Chromium, as people have it: light and dark, on a phone and on a desktop, and enlarged. The axe check
 * finds nothing to object to, and nothing is cut off. With `SCREENSHOTS=<folder>` what was seen is kept there.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import axe from "axe-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchBrowser, openPage } from "./browsers.js";
import { Installation, postJson, postVote } from "./installation.js";
import { addStream, HOST, makeJam, post } from "./jams.js";
import { adminToken, finalize, register, TestMongo } from "./launches.js";

let mongo: TestMongo;
let installation: Installation;
let api: ServiceProcess;
let browser: Browser;

/** A sync is waited for 60 s. */
const SYNC_DEADLINE_MS = 70_000;
const DATE = "2024-07-02";
const JAM = "friday";

/** Where it is, what is there once it is whole, and who looks at it. */
const PAGES: [name: string, path: string, whole: string, token: () => Promise<string>][] = [
  ["projects", "/", ".card >> nth=2", () => testToken("ann")],
  ["jams", "/jam", ".results >> text=Friday", () => testToken("ann")],
  ["jam", `/jam/${JAM}`, ".card-stream >> nth=2", () => testToken("ann")],
  ["host", `/jam/${JAM}/host`, '[data-testid="trail"]', () => testToken(HOST)],
  ["launch", `/launch/${DATE}`, ".card-launch >> nth=1", adminToken],
  ["launch-final", "/launch/2024-07-01", ".seal", () => testToken("ann")],
  ["leaderboard", "/leaderboard", '[data-user-id="owner"]', () => testToken("owner")],
  ["operator", "/operator", '[data-testid="figures"]', adminToken],
  ["sync", "/sync", ".sync-chart canvas", adminToken],
  ["nothing-there", "/jam/nowhere", "text=There is no such jam.", () => testToken("ann")],
];
const DEVICES: [device: string, options: BrowserContextOptions][] = [
  ["phone", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }],
  ["desktop", { viewport: { width: 1280, height: 900 } }],
];
const SCHEMES = ["light", "dark"] as const;
/** What zooming to 200 % does: half as many CSS pixels, each twice as large. */
const ENLARGED: BrowserContextOptions = { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 };
/** An animation half way has colours nobody sees for long. */
const STILL: BrowserContextOptions = { reducedMotion: "reduce" };

beforeAll(async () => {
  mongo = await TestMongo.create();
  installation = await Installation.create({ AUTH_GUEST: "true", MONGO_URL: mongo.url, FINALIZE_DELAY_MS: "86400000" });
  const gateway = await installation.start("realtime-gateway");
  await Promise.all([
    installation.start("vote-worker"),
    installation.start("finalizer"),
    installation.start("sync-scheduler"),
  ]);
  api = await installation.start("vote-api", { REALTIME_PORT: String(gateway.port) });
  await fill();
  browser = await launchBrowser();
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await installation.remove();
  await mongo.remove();
});

/** Something of everything. */
async function fill(): Promise<void> {
  await installation.createProjects(api, ["a", "b", "c"]);
  await makeJam(api, JAM, { title: "Friday at the harbour" });
  const streams = [];
  for (const title of ["So What", "A Love Supreme", "Take Five", "Blue Rondo à la Turk"]) {
    streams.push(await addStream(api, JAM, title));
  }
  for (const [i, user] of ["ann", "bob", "cem"].entries()) {
    for (const id of ["a", ...streams.slice(0, i + 1)]) await vote(user, id, "up");
    await vote(user, "b", "down");
  }
  await post(api, "/api/streams/next", { jamId: JAM });
  const now = Date.now();
  const open = { opensAt: new Date(now - 1_000), closesAt: new Date(now + 3_600_000) };
  for (const appId of ["rocket", "teapot"]) await register(api, { appId, launchDate: DATE, ...open });
  await vote("ann", "rocket", "up");
  const closed = { opensAt: new Date(now - 2_000), closesAt: new Date(now - 1_000) };
  for (const appId of ["first", "second"]) await register(api, { appId, launchDate: "2024-07-01", ...closed });
  expect((await finalize(api, "2024-07-01")).status).toBe(200);
  await waitFor("the points", async () => {
    const board = await fetch(`${api.url}/api/leaderboard?period=daily`);
    return ((await board.json()) as { entries: unknown[] }).entries.length > 0;
  });
  const synced = await postJson(`${api.url}/api/periodic-sync/sync`, await adminToken(), {}, {}, SYNC_DEADLINE_MS);
  expect(synced.status).toBe(200);
}

async function vote(user: string, project_id: string, vote_type: string): Promise<void> {
  const answer = await postVote(api, await testToken(user), { project_id, vote_type });
  expect(answer.status).toBe(200);
}

async function whole(page: Page, selector: string): Promise<void> {
  await page.locator(selector).first().waitFor();
  await page.locator('[data-testid="connection"][data-state="connecting"]').waitFor({ state: "detached" });
}

/** What axe objects to, in words that say where. */
async function objections(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run({ resultTypes: ["violations"] }),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target} ${failureSummary}`),
  );
}

/** Wider than the window: what is cut off, or has to be scrolled to sideways. */
const sideways = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

async function keep(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

describe.each(PAGES)("the page %s", (name, path, selector, token) => {
  const at = async () => `${api.url}${path}#token=${await token()}`;

  test.each(DEVICES)("on a %s, light and dark: axe objects to nothing, nothing is cut off", async (device, options) => {
    for (const colorScheme of SCHEMES) {
      const page = await openPage(browser, await at(), { ...STILL, ...options, colorScheme });
      await whole(page, selector);
      expect(await objections(page)).toEqual([]);
      expect(await sideways(page)).toBeLessThanOrEqual(0);
      await keep(page, `${name}-${device}-${colorScheme}`);
      await page.context().close();
    }
  });

  test("enlarged to 200 % on a laptop: nothing is cut off", async () => {
    const page = await openPage(browser, await at(), { ...STILL, ...ENLARGED });
    await whole(page, selector);
    expect(await sideways(page)).toBeLessThanOrEqual(0);
    await page.context().close();
  });
});

test("by keyboard alone: skip to the content, go through the queue, vote", async () => {
  const page = await openPage(browser, `${api.url}/jam/${JAM}#token=${await testToken("kim")}`);
  await whole(page, ".card-stream");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the content");
  await page.keyboard.press("Enter");
  const pressed = page.locator('.card-stream [data-testid="vote-up"]').first();
  await waitFor("the first vote button", async () => {
    await page.keyboard.press("Tab");
    return pressed.evaluate((button) => document.activeElement === button);
  });
  await page.keyboard.press("Space");
  await waitFor("the vote", async () => {
    const own = page.locator('.card-stream [aria-pressed="true"]');
    return (await own.count()) === 1;
  });
  await page.context().close();
});
