/** The page in a real browser, twice: what one clicks, the other sees, PostgreSQL has, and a reload shows again. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, openPage as open, untilLive } from "./browsers.js";
import { Installation, postJson } from "./installation.js";

const PROJECT = "browser-1";
const OTHER_PROJECT = "browser-2";

let installation: Installation;
let api: ServiceProcess;
let browser: Browser;

beforeAll(async () => {
  installation = await Installation.create({ AUTH_GUEST: "true", VOTE_RATE_MAX: "0" });
  const gateway = await installation.start("realtime-gateway");
  await installation.start("vote-worker", { WORKER_RETRY_DELAYS_MS: "5000" });
  api = await installation.start("vote-api", { REALTIME_PORT: String(gateway.port) });
  await installation.createProjects(api, [PROJECT, OTHER_PROJECT]);
  browser = await launchBrowser();
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await installation.remove();
});

/** A person of their own: nothing is shared with other pages. */
async function openPage(): Promise<Page> {
  const page = await open(browser, api.url);
  await untilLive(page);
  return page;
}

const inCard = (page: Page, testId: string) => page.locator(`[data-project-id="${PROJECT}"] [data-testid="${testId}"]`);

async function expectShown(page: Page, upvotes: number, downvotes: number): Promise<void> {
  await waitFor(`${upvotes} up and ${downvotes} down to be shown`, async () => {
    const up = await inCard(page, "upvotes").textContent();
    return Number(up) === upvotes && Number(await inCard(page, "downvotes").textContent()) === downvotes;
  });
}

async function votesInPostgres(): Promise<object[]> {
  await installation.drained();
  return installation.query("SELECT vote_type FROM votes WHERE project_id = $1 ORDER BY vote_type", [PROJECT]);
}

test("a click in one page is the count in both, the row in PostgreSQL, and still there after a reload", async () => {
  const [ann, bob] = [await openPage(), await openPage()];
  await expectShown(ann, 0, 0);

  await inCard(ann, "vote-up").click();
  await Promise.all([expectShown(ann, 1, 0), expectShown(bob, 1, 0)]);
  expect(await inCard(ann, "vote-up").getAttribute("aria-pressed")).toBe("true");
  expect(await inCard(bob, "vote-up").getAttribute("aria-pressed")).toBe("false");
  expect(await votesInPostgres()).toEqual([{ vote_type: "up" }]);

  await inCard(bob, "vote-down").click();
  await Promise.all([expectShown(ann, 1, 1), expectShown(bob, 1, 1)]);

  await ann.reload();
  await expectShown(ann, 1, 1);
  await waitFor("the own vote", async () => (await inCard(ann, "vote-up").getAttribute("aria-pressed")) === "true");

  await inCard(ann, "vote-up").click();
  await Promise.all([expectShown(ann, 0, 1), expectShown(bob, 0, 1)]);
  expect(await votesInPostgres()).toEqual([{ vote_type: "down" }, { vote_type: "none" }]);
});

test("a vote that cannot be stored is taken back on the page of its voter, with a word why, and on all others", async () => {
  await installation.query("ALTER TABLE votes ADD CONSTRAINT no_more CHECK (vote_type <> 'up') NOT VALID");
  const [ann, bob] = [await openPage(), await openPage()];
  await expectShown(ann, 0, 1);
  await inCard(ann, "vote-up").click();
  await expectShown(bob, 1, 1);
  await Promise.all([expectShown(ann, 0, 1), expectShown(bob, 0, 1)]);
  await waitFor("the own vote", async () => (await inCard(ann, "vote-up").getAttribute("aria-pressed")) === "false");
  const words = (page: Page) => page.locator(`[data-project-id="${PROJECT}"] [role="alert"]`);
  expect(await words(ann).textContent()).toContain("could not be stored");
  expect(await words(bob).count()).toBe(0);
  await installation.query("ALTER TABLE votes DROP CONSTRAINT no_more");
});

test("the page says so when the live connection is lost, and catches up by itself", async () => {
  const page = await openPage();
  const gatewayLess = page.locator('[data-testid="connection"]:not([data-state="live"])');
  await page.context().setOffline(true);
  await gatewayLess.waitFor();
  await page.context().setOffline(false);
  await untilLive(page);
});

test("while Redis is away a vote counts and the page says that it takes the slow way; afterwards it says so no more", async () => {
  const page = await openPage();
  const notice = page.locator('[data-testid="degraded"]');
  await installation.redisServer.kill9();
  await inCard(page, "vote-up").click();
  await notice.getByText("take the slow way").waitFor();
  await expectShown(page, 1, 1);
  await installation.redisServer.restart();
  const bob = await testToken("bob");
  await waitFor("votes to be fast again", async () => {
    const body = { project_id: OTHER_PROJECT, vote_type: "up" };
    const { status, body: answer } = await postJson(`${api.url}/api/votes`, bob, body);
    return status === 200 && answer.data.degraded === undefined;
  });
  await inCard(page, "vote-up").click();
  await expectShown(page, 0, 1);
  await waitFor("no notice", async () => (await notice.textContent()) === "");
});
