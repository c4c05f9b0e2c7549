/** `<vote-button>` on somebody else's page: changed, moved, used by keyboard, refused, and under a strict policy. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { testToken, waitFor } from "@votesync/testkit";
import type { Page } from "playwright-core";
import { ClientPages } from "./client-pages.js";
import { postJson } from "./installation.js";

let pages: ClientPages;
beforeAll(async () => {
  pages = await ClientPages.start();
}, 300_000);
afterAll(() => pages.remove());

const vote = async (user: string, project_id: string) =>
  postJson(`${pages.api.url}/api/votes`, await testToken(user), { project_id, vote_type: "up" });

const html = (body: string) => `<!doctype html><script src="${pages.api.url}/vote-button.js"></script>${body}`;
const element = (project: string, more = "") =>
  `<vote-button project="${project}" api="${pages.api.url}" ${more}></vote-button>`;
const counts = (page: Page) => page.locator("output").allTextContents();
const shown = (page: Page, ...wanted: string[]) =>
  waitFor(`${wanted} to be shown`, async () => (await counts(page)).join() === wanted.join());

test("two buttons share one connection, follow their attributes, and survive being moved", async () => {
  await pages.installation.createProjects(pages.api, ["one", "two", "three"]);
  await vote("ann", "one");
  const url = pages.site.page("/two", html(`<div>${element("one")}${element("two", "down")}</div><p></p>`));
  const { page, sockets, errors } = await pages.openUrl(url);
  await shown(page, "1", "0");
  expect(await page.getByRole("button").count()).toBe(3);
  await page.evaluate(() => {
    const [first] = document.querySelectorAll("vote-button");
    document.querySelector("p")?.append(first as Element);
  });
  await shown(page, "0", "1");
  await vote("ben", "one");
  await shown(page, "0", "2");
  await page.evaluate(() => document.querySelectorAll("vote-button")[0]?.remove());
  await shown(page, "2");
  await page.evaluate(() => {
    const [button] = document.querySelectorAll("vote-button");
    button?.setAttribute("project", "three");
    button?.setAttribute("label", "Number three");
    button?.setAttribute("down", "");
  });
  await shown(page, "0");
  await vote("cem", "one");
  await vote("cem", "three");
  await shown(page, "1");
  await page.getByRole("button", { name: "Vote down: Number three" }).click();
  await shown(page, "0");
  await page.evaluate(() => document.querySelector("vote-button")?.removeAttribute("project"));
  await shown(page, "–");
  expect(sockets).toHaveLength(1);
  expect(errors).toEqual([]);
});

test("with the keyboard alone, and whoever is on a button stays on it when something changes", async () => {
  await pages.installation.createProjects(pages.api, ["keys"]);
  const { page } = await pages.openUrl(pages.site.page("/keys", html(element("keys", 'down label="Keys"'))));
  await shown(page, "0");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await shown(page, "1");
  const up = page.getByRole("button", { name: "Vote up" });
  await waitFor("the vote to be on", async () => (await up.getAttribute("aria-pressed")) === "true");
  await page.evaluate(() => document.querySelector("vote-button")?.setAttribute("label", "Doors"));
  await page.getByRole("group", { name: "Votes: Doors" }).waitFor();
  await page.keyboard.press("Space");
  await shown(page, "0");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await shown(page, "-1");
});

test("a vote that is refused is taken back, said, and told to the page once", async () => {
  await pages.installation.createProjects(pages.api, ["refused"]);
  const watch = `<script>window.failures = [];
    addEventListener("vote-failed", ({ detail }) => failures.push(detail.status));</script>`;
  const url = pages.site.page("/refused", html(watch + element("refused", 'token="no token"')));
  const { page } = await pages.openUrl(url);
  await shown(page, "0");
  await page.getByRole("button").click();
  const failures = () => page.evaluate(() => (window as unknown as { failures: number[] }).failures);
  await waitFor("the failure", async () => (await failures()).length > 0);
  await shown(page, "0");
  expect(await page.locator("span[role=status]").textContent()).toContain("token");
  await page.evaluate(() => document.body.append(document.querySelector("vote-button") as Element));
  await shown(page, "0");
  expect(await failures()).toEqual([401]);
});

test("a page that allows no inline style or script, and only what is named, shows it as it should look", async () => {
  await pages.installation.createProjects(pages.api, ["policy"]);
  const config = (await (await fetch(`${pages.api.url}/config.json`)).json()) as { realtime_urls: string[] };
  const sources = [pages.api.url, ...config.realtime_urls.map((url) => url.replace("http", "ws"))].join(" ");
  const policy = `default-src 'none'; script-src ${pages.api.url}; connect-src ${sources}`;
  const url = pages.site.page("/policy", html(element("policy")), { "Content-Security-Policy": policy });
  const { page, sockets, errors } = await pages.openUrl(url);
  await shown(page, "0");
  await page.getByRole("button").click();
  await shown(page, "1");
  expect((await page.getByRole("button").boundingBox())?.height).toBeGreaterThanOrEqual(44);
  await waitFor("a socket", () => sockets.length > 0);
  expect(errors).toEqual([]);
});

test("two buttons with settings of their own are one guest, so nobody votes twice", async () => {
  await pages.installation.createProjects(pages.api, ["guest"]);
  const both = element("guest") + element("guest", 'mode="server-first"');
  const { page } = await pages.openUrl(pages.site.page("/guest", html(both)));
  await shown(page, "0", "0");
  for (const index of [0, 1]) await page.getByRole("button").nth(index).click();
  await waitFor("both answers", () =>
    page.evaluate(() => document.querySelectorAll("vote-button:not([pending])").length === 2),
  );
  await pages.installation.drained();
  expect(await pages.installation.query("SELECT vote_type FROM votes WHERE project_id = 'guest'")).toHaveLength(1);
});
