/** React's hooks and votes of hasty, offline and leaving people, on pages in a real browser against real services. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createVoteClient } from "@votesync/client";
import { testToken, waitFor } from "@votesync/testkit";
import type { Page } from "playwright-core";
import { renderToString } from "react-dom/server";
import { ClientPages } from "./client-pages.js";
import { PRIMED, tree } from "./client-tree.testing.js";
import { postJson } from "./installation.js";

const OFFLINE_MS = 10_000;

let pages: ClientPages;
beforeAll(async () => {
  pages = await ClientPages.start();
}, 300_000);
afterAll(() => pages.remove());

const vote = async (user: string, project_id: string, vote_type = "up") =>
  postJson(`${pages.api.url}/api/votes`, await testToken(user), { project_id, vote_type });

const counts = (page: Page) => page.locator("output").allTextContents();
const shown = (page: Page, ...wanted: string[]) =>
  waitFor(`${wanted} to be shown`, async () => (await counts(page)).join() === wanted.join());
const live = (page: Page) =>
  waitFor("to be live", () => page.evaluate(() => window.page.client.connection.get() === "live"));
const button = (page: Page, name: string) => page.getByRole("button", { name });

async function eventsOf(projectId: string): Promise<number> {
  await pages.installation.drained();
  const rows = await pages.installation.query<{ n: string }>(
    "SELECT count(*) AS n FROM vote_events WHERE project_id = $1",
    [projectId],
  );
  return Number(rows[0]?.n);
}

async function voteOf(user: string, projectId: string): Promise<string | undefined> {
  await pages.installation.drained();
  const sql = "SELECT vote_type FROM votes WHERE project_id = $1 AND user_id = $2";
  return (await pages.installation.query<{ vote_type: string }>(sql, [projectId, user]))[0]?.vote_type;
}

test("in StrictMode two components on one project are one socket and one subscription; leaving lets go, coming back works", async () => {
  await pages.installation.createProjects(pages.api, ["strict"]);
  const { page, sockets, sent, errors } = await pages.open("ann");
  await page.evaluate(() => window.page.mount(["strict", "strict"]));
  await shown(page, "0", "0");
  await live(page);
  await vote("ben", "strict");
  await shown(page, "1", "1");
  expect(sockets).toHaveLength(1);
  // A call that a busy machine does not answer in time is repeated.
  expect([...new Set(sent)]).toEqual(['subscribe {"projects":["strict"]}']);
  await page.evaluate(() => window.page.unmount());
  await waitFor("the subscription to end", () => sent.at(-1) === 'unsubscribe {"projects":["strict"]}');
  await vote("cem", "strict");
  await page.evaluate(() => window.page.mount(["strict"]));
  await shown(page, "2");
  expect(sockets).toHaveLength(1);
  expect(sent.at(-1)).toBe('subscribe {"projects":["strict"]}');
  expect(errors).toEqual([]);
});

test("a page rendered on a server opens nothing there, and is taken over as it is, also by a client that knows more by then", async () => {
  await pages.installation.createProjects(pages.api, ["rendered"]);
  for (const user of ["a", "b", "c", "d", "e", "f", "g"]) await vote(user, "rendered");
  const asked: string[] = [];
  const server = createVoteClient({
    url: pages.api.url,
    token: () => Promise.reject(new Error("asked for a token")),
    fetch: async (input) => {
      asked.push(String(input));
      throw new Error("asked for something");
    },
  });
  server.prime([{ id: "rendered", ...PRIMED }]);
  const html = renderToString(tree(server, ["rendered"]));
  expect(html).toContain(">3</output>");
  expect([asked, server.connection.get()]).toEqual([[], "idle"]);

  const { page, errors } = await pages.open("rita", html);
  expect(await counts(page)).toEqual(["3"]);
  // Another part of the page was there first, and the client has heard from the server.
  await page.evaluate((primed) => {
    window.page.client.prime([{ id: "rendered", ...primed }]);
    window.page.client.watch({ projects: ["rendered"] });
  }, PRIMED);
  await waitFor("the news", () => page.evaluate(() => window.page.client.project("rendered").get()?.upvotes === 7));
  await page.evaluate(() => window.page.hydrate(["rendered"]));
  await shown(page, "7");
  await button(page, "Vote up: rendered").click();
  await shown(page, "8");
  expect(await page.evaluate(() => window.page.complaints)).toEqual([]);
  expect(errors).toEqual([]);
});

test("rapid clicking sends few requests, and ends in the right state", async () => {
  await pages.installation.createProjects(pages.api, ["rapid"]);
  const { page, votes } = await pages.open("rob");
  const answered = () =>
    waitFor("the answer", () => page.evaluate(() => window.page.client.project("rapid").get()?.pending === false));
  await page.evaluate(() => window.page.mount(["rapid"]));
  await shown(page, "0");
  // Faster than any finger: up, none, down, over and over.
  await page.evaluate(() => {
    const [up, down] = document.querySelectorAll("button");
    for (let i = 0; i < 20; i++) (i % 3 === 2 ? down : up)?.click();
    down?.click();
  });
  await shown(page, "-1");
  await answered();
  expect(votes.map((sent) => sent.vote)).toEqual(["down"]);
  const since = Date.now();
  for (let i = 0; i < 21; i++) await button(page, "Vote up: rapid").click();
  await answered();
  await shown(page, "1");
  expect(await button(page, "Vote up: rapid").getAttribute("aria-pressed")).toBe("true");
  expect(await voteOf("rob", "rapid")).toBe("up");
  // However slow this machine is, two votes are half a second apart.
  expect(votes.length - 1).toBeLessThanOrEqual(2 + (Date.now() - since) / 500);
});

test("ten seconds offline: a vote of before waits, and afterwards is there once, with everybody else's", async () => {
  await pages.installation.createProjects(pages.api, ["offline"]);
  const { page, votes } = await pages.open("olga");
  await page.evaluate(() => window.page.mount(["offline"]));
  await shown(page, "0");
  await live(page);
  await page.context().setOffline(true);
  const since = Date.now();
  await button(page, "Vote up: offline").click();
  await shown(page, "1");
  for (const user of ["ben", "cem", "dan"]) await vote(user, "offline");
  await waitFor("the first try", () => votes.length > 0);
  await waitFor("the time offline to be over", () => Date.now() - since >= OFFLINE_MS);
  expect(await page.evaluate(() => window.page.client.project("offline").get())).toMatchObject({
    ownVote: "up",
    pending: true,
    error: null,
  });
  await page.context().setOffline(false);
  await shown(page, "4");
  await waitFor("the answer", () =>
    page.evaluate(() => window.page.client.project("offline").get()?.pending === false),
  );
  await live(page);
  expect(new Set(votes.map(({ key }) => key)).size).toBe(1);
  expect(await eventsOf("offline")).toBe(4);
  expect(await voteOf("olga", "offline")).toBe("up");
});

test("a device that is back on a network connects anew, whatever its last socket looks like", async () => {
  await pages.installation.createProjects(pages.api, ["network"]);
  const { page, sockets } = await pages.open("nora");
  await page.evaluate(() => window.page.mount(["network"]));
  await shown(page, "0");
  await live(page);
  const before = sockets.length;
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  await waitFor("another socket", () => sockets.length > before);
  await live(page);
  await vote("ben", "network");
  await shown(page, "1");
});

test("a click just before the page is left counts", async () => {
  await pages.installation.createProjects(pages.api, ["leaving"]);
  const { page } = await pages.open("lea");
  await page.evaluate(() => window.page.mount(["leaving"]));
  await shown(page, "0");
  await page.evaluate(() => {
    document.querySelector("button")?.click();
    location.href = "about:blank";
  });
  await waitFor("the vote", async () => (await voteOf("lea", "leaving")) === "up");
});

test("a vote cast in another tab is known when one comes back to this one", async () => {
  await pages.installation.createProjects(pages.api, ["tabs"]);
  const { page } = await pages.open("tom");
  await page.evaluate(() => window.page.mount(["tabs"]));
  await shown(page, "0");
  await live(page);
  await vote("tom", "tabs");
  await shown(page, "1");
  await page.evaluate(() => {
    for (const state of ["hidden", "visible"]) {
      Object.defineProperty(document, "visibilityState", { configurable: true, value: state });
      document.dispatchEvent(new Event("visibilitychange"));
    }
  });
  await waitFor(
    "the own vote",
    async () => (await button(page, "Vote up: tabs").getAttribute("aria-pressed")) === "true",
  );
});
