/** The launch page in a real browser: an app is launched and voted on, and when the day is final everybody sees who won. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, waitFor } from "@votesync/testkit";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, newPage, openPage as open, untilLive } from "./browsers.js";
import { Installation } from "./installation.js";
import { adminToken, finalize as askToFinalize, register, TestMongo } from "./launches.js";

/** What is done on a day while it is open is over by then, on a machine that is busy too. */
const OPEN_MS = 30_000;
const SHORTLY_OPEN_MS = 15_000;
const NOT_ENDING_MS = 3_600_000;
const DATE = "2024-06-02";
const DAY_BEFORE = "2024-06-01";

let mongo: TestMongo;
let installation: Installation;
let api: ServiceProcess;
let gateway: ServiceProcess;
let browser: Browser;
/** Both stay open while the day does; meanwhile other tests are run. */
let day: { ann: Page; bob: Page; closesAt: Date };

beforeAll(async () => {
  mongo = await TestMongo.create();
  installation = await Installation.create({ AUTH_GUEST: "true", MONGO_URL: mongo.url, FINALIZE_DELAY_MS: "86400000" });
  gateway = await installation.start("realtime-gateway");
  await Promise.all([installation.start("vote-worker"), installation.start("finalizer")]);
  api = await installation.start("vote-api", { REALTIME_PORT: String(gateway.port) });
  browser = await launchBrowser();
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await installation.remove();
  await mongo.remove();
});

const goTo = (path: string): Promise<Page> => open(browser, `${api.url}${path}`);

/** A page of something that goes on. */
async function openPage(path: string): Promise<Page> {
  const page = await goTo(path);
  await untilLive(page);
  return page;
}

const card = (page: Page, id: string) => page.locator(`[data-project-id="${id}"]`);
const count = (page: Page, id: string) => card(page, id).locator('[data-testid="vote-count"]').textContent();
const shows = (page: Page, id: string, votes: string) =>
  waitFor(`${id} to show ${votes}`, async () => (await count(page, id)) === votes);

const status = (page: Page) => page.locator('[data-testid="day-status"]').textContent();
const order = (page: Page) =>
  page.locator(".card-launch").evaluateAll((cards) => cards.map((one) => one.getAttribute("data-project-id")));

async function launchOpen(appIds: string[], launchDate: string, openMs: number): Promise<{ closesAt: Date }> {
  const now = Date.now();
  const instants = { opensAt: new Date(now - 1_000), closesAt: new Date(now + openMs) };
  for (const appId of appIds) await register(api, { appId, launchDate, ...instants });
  return instants;
}

async function launchClosed(appIds: string[], launchDate: string): Promise<void> {
  const now = Date.now();
  const instants = { opensAt: new Date(now - 2_000), closesAt: new Date(now - 1_000) };
  for (const appId of appIds) await register(api, { appId, launchDate, ...instants });
}

const finalize = async (date: string) => expect((await askToFinalize(api, date)).status).toBe(200);

test("a day: voted on in one page, seen in the other, with the podium of the day before", async () => {
  await launchClosed(["first", "second"], DAY_BEFORE);
  await finalize(DAY_BEFORE);
  // A browser's first pages take the longest.
  const [ann, bob] = [await goTo("/launch"), await goTo("/launch")];
  const { closesAt } = await launchOpen(["rocket", "teapot"], DATE, OPEN_MS);
  day = { ann, bob, closesAt };
  for (const page of [ann, bob]) {
    await page.goto(`${api.url}/launch/${DATE}`);
    await untilLive(page);
  }
  await shows(bob, "rocket", "0");
  await card(ann, "rocket").locator('[data-testid="vote-up"]').click();
  await Promise.all([shows(ann, "rocket", "1"), shows(bob, "rocket", "1")]);
  expect(await card(ann, "rocket").locator('[data-testid="vote-down"]').count()).toBe(0);
  await ann.reload();
  await shows(ann, "rocket", "1");
  await waitFor(
    "the own vote",
    async () => (await card(ann, "rocket").locator('[data-testid="vote-up"]').getAttribute("aria-pressed")) === "true",
  );
  expect(await bob.locator(".podium li").allTextContents()).toHaveLength(2);
});

test("when a day is over, a page left open stops taking votes for it and shows what was counted", async () => {
  const page = await goTo("/launch");
  await launchOpen(["drum", "flute"], "2024-06-12", SHORTLY_OPEN_MS);
  await page.goto(`${api.url}/launch/2024-06-12`);
  await untilLive(page);
  await card(page, "flute").locator('[data-testid="vote-up"]').click();
  await shows(page, "flute", "1");
  await waitFor("the end", async () => (await status(page)) === "Over; the votes are being counted", 60_000);
  await page.locator('.results [data-app-id="flute"]').waitFor();
  expect(await page.locator('.results [data-app-id="flute"]').textContent()).toContain("1 vote");
  expect(await page.locator(".card-launch").count()).toBe(0);
});

test("the board is in the order of its votes, as they come", async () => {
  await launchOpen(["ant", "bee", "cat"], "2024-06-10", NOT_ENDING_MS);
  const [ann, bob] = [await openPage("/launch/2024-06-10"), await openPage("/launch/2024-06-10")];
  await waitFor("the board", async () => (await order(bob)).join() === "ant,bee,cat");
  await card(ann, "cat").locator('[data-testid="vote-up"]').press("Space");
  await waitFor("the leader", async () => (await order(bob)).join() === "cat,ant,bee");
  const ranks = await bob.locator('.card-launch [data-testid="rank"]').allTextContents();
  expect(ranks.map((text) => text.replace(/\D/g, ""))).toEqual(["1", "2", "2"]);
  await waitFor("the order at home", async () => (await order(ann)).join() === "cat,ant,bee");
  expect(await ann.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Vote up: cat");
});

test("a page that was cut off while its day became final shows the result when it is back", async () => {
  await launchClosed(["lamp"], "2024-06-14");
  const page = await openPage("/launch/2024-06-14");
  await waitFor("the day to be over", async () => (await status(page))?.startsWith("Over"));
  await gateway.kill9();
  await finalize("2024-06-14");
  await gateway.restart();
  await waitFor("the result", async () => (await status(page)) === "Final", 30_000);
});

test("a page that hears that its day is final, and cannot read it, reads on until it can", async () => {
  await launchClosed(["kite"], "2024-06-18");
  const page = await openPage("/launch/2024-06-18");
  await waitFor("the day to be over", async () => (await status(page))?.startsWith("Over"));
  let unread = 0;
  await page.route("**/api/launch?date=2024-06-18", (route) => (unread++ < 2 ? route.abort() : route.continue()));
  await finalize("2024-06-18");
  await waitFor("the result", async () => (await status(page)) === "Final");
  expect(unread).toBeGreaterThan(2);
});

test("a day can be voted on while the day before cannot be shown", async () => {
  await launchOpen(["moth"], "2024-06-16", NOT_ENDING_MS);
  const page = await newPage(browser);
  await page.route("**/api/launch?date=2024-06-15", (route) => route.abort());
  await page.goto(`${api.url}/launch/2024-06-16`);
  await card(page, "moth").locator('[data-testid="vote-up"]').click();
  await shows(page, "moth", "1");
  const before = page.getByRole("region", { name: "The day before" });
  await before.getByRole("alert").waitFor();
  await page.unroute("**/api/launch?date=2024-06-15");
  await before.getByRole("button", { name: "Try again" }).click();
  await before.getByText("Nothing was launched.").waitFor();
});

test("an app for a later day is confirmed with a way to that day, on which nobody votes yet", async () => {
  const page = await openPage("/launch");
  await page.getByRole("button", { name: "Launch an app" }).click();
  await page.getByLabel("Name").fill("Time capsule");
  await page.getByLabel("Day", { exact: true }).fill("2090-01-15");
  await page.getByRole("button", { name: "Launch", exact: true }).click();
  await page.getByRole("link", { name: "Sunday, January 15, 2090" }).click();
  await page.getByText("Time capsule").waitFor();
  expect(await status(page)).toBe("Voting begins with the day");
  expect(await page.locator('[data-testid="vote-up"]').count()).toBe(0);
});

test("somebody launches an app for today by the form, and everybody may vote on it", async () => {
  const page = await openPage("/launch");
  await page.getByRole("button", { name: "Launch an app" }).click();
  await page.getByLabel("Name").fill("Paper plane");
  await page.getByRole("button", { name: "Launch", exact: true }).click();
  const plane = page.locator(".card-launch", { hasText: "Paper plane" });
  await plane.waitFor();
  await plane.locator('[data-testid="vote-up"]').click();
  await waitFor("the vote", async () => (await plane.locator('[data-testid="vote-count"]').textContent()) === "1");
});

test("an operator sees the health of a day and what a recovery would change; others do not", async () => {
  await launchClosed(["kettle"], "2024-06-05");
  await finalize("2024-06-05");
  const guest = await goTo("/launch/2024-06-05");
  await guest.locator(".results").waitFor();
  expect(await guest.getByRole("button", { name: "Health" }).count()).toBe(0);

  const page = await goTo(`/launch/2024-06-05#token=${await adminToken()}`);
  const outcome = page.locator('[data-testid="operator-outcome"]');
  await page.getByRole("button", { name: "Health" }).click();
  await waitFor("the health", async () => (await outcome.textContent())?.includes("healthy"));
  await mongo
    .collection<{ likes: number }>("launch_apps")
    .updateOne({ _id: "2024-06-05:kettle" }, { $set: { likes: 7 } });
  await page.getByRole("button", { name: "Recover (dry run)" }).click();
  await waitFor("the recovery", async () => (await outcome.textContent())?.includes("kettle: 7 → 0"));
});

test("the day of before is over: final in both pages, which show who won", async () => {
  const { ann, bob, closesAt } = day;
  await waitFor("the day to be over", () => Date.now() > closesAt.getTime(), OPEN_MS + 5_000);
  await finalize(DATE);
  for (const page of [ann, bob]) {
    await waitFor("the result", async () => (await status(page)) === "Final");
    expect(await page.locator(".results li").count()).toBe(2);
    expect(await page.locator('.results [data-app-id="rocket"]').textContent()).toContain("1 vote");
    expect(await page.locator(".seal code").getAttribute("title")).toMatch(/^[0-9a-f]{64}$/);
  }
});
