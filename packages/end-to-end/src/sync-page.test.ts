/** The operator's page of leaderboards in a real browser: a run by hand shows what it did, and stays in the history. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, waitFor } from "@votesync/testkit";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, openPage as open } from "./browsers.js";
import { Installation, postJson } from "./installation.js";
import { adminToken } from "./launches.js";

let installation: Installation;
let api: ServiceProcess;
let browser: Browser;

beforeAll(async () => {
  installation = await Installation.create({ AUTH_GUEST: "true" });
  const [gateway] = await Promise.all([installation.start("realtime-gateway"), installation.start("sync-scheduler")]);
  api = await installation.start("vote-api", { REALTIME_PORT: String(gateway.port) });
  browser = await launchBrowser();
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await installation.remove();
});

const openPage = (hash: string): Promise<Page> => open(browser, `${api.url}/sync${hash}`);

test("an admin runs, stops and starts the sync, and sees the last runs; others see that it is not for them", async () => {
  const guest = await openPage("");
  await guest.getByText("This page is for admins.").waitFor();

  const admin = await adminToken();
  const score = { user_id: "ann", points: 3 };
  expect((await postJson(`${api.url}/api/leaderboard/scores`, admin, score)).status).toBe(200);
  const page = await openPage(`#token=${admin}`);
  const said = page.locator('[data-testid="sync-said"]');
  await page.getByRole("button", { name: "Dry run" }).click();
  await waitFor("the dry run", async () => (await said.textContent())?.includes("would have created 1"));
  await page.getByRole("button", { name: "Run now" }).click();
  await waitFor("the run", async () => (await said.textContent())?.includes("has created 1"));
  await waitFor("the history", async () => (await page.locator('.results [data-status="done"]').count()) === 2);
  expect(await page.locator(".sync-chart canvas").count()).toBe(1);

  await page.getByRole("button", { name: "Stop" }).click();
  const state = page.locator('[data-testid="sync-state"]');
  await waitFor("it to be stopped", async () => (await state.textContent()) === "Stopped");
  await page.getByRole("button", { name: "Start" }).click();
  await waitFor("it to be started", async () => (await state.textContent()) === "Runs by itself");
});
