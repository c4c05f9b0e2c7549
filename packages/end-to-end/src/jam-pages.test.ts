/**
 * A jam on five pages in real Chromium, over two replicas of vote-api and two gateways: whoever votes, all of them end with
 * the same order and the same counts as PostgreSQL, and no page ever showed an older count over a newer one.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import type { Browser, Page } from "playwright-core";
import { launchBrowser, openPage, untilLive } from "./browsers.js";
import { Installation } from "./installation.js";
import { addStream, HOST, makeJam, post } from "./jams.js";

const PAGES = 5;
const VOTES = 2_000;
const STREAMS = 20;
const DEADLINE_MS = 240_000;

let installation: Installation;
let apis: ServiceProcess[];
let gateways: ServiceProcess[];
let browser: Browser;

beforeAll(async () => {
  installation = await Installation.create({ AUTH_GUEST: "true", VOTE_RATE_MAX: "0" });
  gateways = await Promise.all([installation.start("realtime-gateway"), installation.start("realtime-gateway")]);
  await installation.start("vote-worker");
  apis = await Promise.all(gateways.map(({ port }) => installation.start("vote-api", { REALTIME_PORT: String(port) })));
  browser = await launchBrowser();
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await installation.remove();
});

const apiOf = (i: number) => apis[i % apis.length] as ServiceProcess;

/** What a page records of itself: how often something on it was shown with a lower version than before. */
interface Recorded {
  shown: number;
  backwards: string[];
}

/** Runs in the page, before anything else: looks at every change of every version that is shown. */
function record(): void {
  const recorded = { shown: 0, backwards: [] as string[] };
  const newest = new Map<string, number>();
  const look = (element: Element) => {
    const version = Number(element.getAttribute("data-version"));
    const name = element.getAttribute("data-project-id") ?? "queue";
    const before = newest.get(name) ?? 0;
    recorded.shown++;
    if (version < before) recorded.backwards.push(`${name}: ${before} then ${version}`);
    newest.set(name, Math.max(version, before));
  };
  const observer = new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      if (target instanceof Element && target.hasAttribute("data-version")) look(target);
      for (const node of addedNodes) {
        if (node instanceof Element) for (const one of node.querySelectorAll("[data-version]")) look(one);
      }
    }
  });
  observer.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-version"] });
  Object.assign(globalThis, { recorded });
}

/** Runs in the page: the next gateway may be found sooner than a test looks. */
function recordConnection(): void {
  const badge = document.querySelector('[data-testid="connection"]') as Element;
  const states: (string | null)[] = [];
  new MutationObserver(() => states.push(badge.getAttribute("data-state"))).observe(badge, { attributes: true });
  Object.assign(globalThis, { states });
}

const connectionStates = (page: Page) =>
  page.evaluate(() => (globalThis as unknown as { states: (string | null)[] }).states);

/** Runs in the page: clicks on what is not being voted on, until it is told that there are enough. Each click is a vote. */
async function clickAround(seed: number): Promise<void> {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % below;
  };
  const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  while (!("enough" in globalThis)) {
    const buttons = document.querySelectorAll<HTMLButtonElement>('.card-stream[data-pending="false"] .vote');
    buttons[random(Math.max(1, buttons.length))]?.click();
    await nextFrame();
  }
}

async function openJam(i: number, jamId: string, user: string): Promise<Page> {
  // Five pages that draw every animation are more than two cores can do beside the servers.
  const page = await openPage(browser, `${apiOf(i).url}/config.json`, { reducedMotion: "reduce" });
  await page.context().addInitScript(record);
  await page.goto(`${apiOf(i).url}/jam/${jamId}#token=${await testToken(user)}`);
  await untilLive(page);
  return page;
}

interface Line {
  id: string;
  upvotes: number;
  downvotes: number;
}

/** In the order of the page. Counts are told by the sum alone; both of them only by PostgreSQL. */
const shownOn = (page: Page) =>
  page
    .locator(".card-stream")
    .evaluateAll((cards) =>
      cards.map((card) => `${card.getAttribute("data-project-id")} ${card.querySelector(".count")?.textContent}`),
    );

async function queueInPostgres(jamId: string): Promise<string[]> {
  await installation.drained();
  const rows = await installation.query<Line>(
    `SELECT p.id, count(*) FILTER (WHERE v.vote_type = 'up')::int AS upvotes,
            count(*) FILTER (WHERE v.vote_type = 'down')::int AS downvotes
       FROM projects p LEFT JOIN votes v ON v.project_id = p.id AND v.period = p.period
      WHERE p.board_id = $1 GROUP BY p.id ORDER BY
            count(*) FILTER (WHERE v.vote_type = 'up') - count(*) FILTER (WHERE v.vote_type = 'down') DESC,
            min(p.created_at), p.id`,
    [jamId],
  );
  return rows.map(({ id, upvotes, downvotes }) => `${id} ${upvotes - downvotes}`);
}

const quiet = (page: Page) =>
  waitFor("no vote to be under way", async () => (await page.locator('[data-pending="true"]').count()) === 0, 60_000);

test(
  "five pages, 2,000 random votes: the same order and counts everywhere, as in PostgreSQL, and nothing went backwards",
  async () => {
    await makeJam(apiOf(0), "five");
    for (let i = 0; i < STREAMS; i++) await addStream(apiOf(i), "five", `Song ${i}`);
    const pages = await Promise.all(Array.from({ length: PAGES }, (_, i) => openJam(i, "five", `voter ${i}`)));
    // By their keys: a request whose answer came too late is sent again.
    const answered = new Set<string>();
    for (const page of pages) {
      page.on("response", (response) => {
        const key = response.request().headers()["idempotency-key"];
        if (response.ok() && key !== undefined) answered.add(key);
      });
    }
    const clicking = pages.map((page, i) => page.evaluate(clickAround, i + 1));
    await waitFor("2,000 votes to be answered", () => answered.size >= VOTES, DEADLINE_MS);
    for (const page of pages) await page.evaluate(() => Object.assign(globalThis, { enough: true }));
    await Promise.all(clicking);
    await Promise.all(pages.map(quiet));

    const truth = await queueInPostgres("five");
    for (const page of pages) {
      await waitFor(
        "the same queue as in PostgreSQL",
        async () => (await shownOn(page)).join() === truth.join(),
        60_000,
      );
      const { shown, backwards } = await page.evaluate(
        () => (globalThis as unknown as { recorded: Recorded }).recorded,
      );
      expect(backwards).toEqual([]);
      expect(shown).toBeGreaterThan(STREAMS);
    }
    const [events] = await installation.query<{ events: number }>("SELECT count(*)::int AS events FROM vote_events");
    // Not fewer; and a vote whose answers all got lost, on a busy machine, counts all the same.
    expect(events?.events).toBeGreaterThanOrEqual(answered.size);
  },
  2 * DEADLINE_MS,
);

test("the host plays the next one: gone from every queue, and now playing on every page", async () => {
  await makeJam(apiOf(0), "next");
  const [first, second] = [await addStream(apiOf(0), "next", "First"), await addStream(apiOf(1), "next", "Second")];
  const audience = await openJam(1, "next", "ann");
  const host = await openPage(browser, `${apiOf(0).url}/jam/next/host#token=${await testToken(HOST)}`);
  await audience.locator(`[data-project-id="${second}"] [data-testid="vote-up"]`).click();
  await waitFor("the order at the host's", async () => (await shownOn(host)).join() === `${second} 1,${first} 0`);
  await host.locator('[data-testid="trail"] >> text=ann').waitFor();
  await host.getByRole("button", { name: "Play the next one" }).click();
  for (const page of [host, audience]) {
    await page.locator(`[data-active="${second}"]`).waitFor();
    await waitFor("the rest of the queue", async () => (await shownOn(page)).join() === `${first} 0`);
  }
  await audience.getByLabel("Title").fill("Third");
  await audience.getByLabel("Web address").fill("https://example.com/third");
  await audience.getByRole("button", { name: "Add to the queue" }).click();
  await host.locator(".card-stream >> text=Third").waitFor();
});

test("somebody starts a jam by the form and is its host; others are sent to its queue", async () => {
  const page = await openPage(browser, `${apiOf(0).url}/jam`);
  await page.getByLabel("What it is called").fill("Garage");
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByRole("heading", { name: "Garage" }).waitFor();
  await page.getByText("The queue is empty.").waitFor();
  expect(await page.title()).toBe("Garage · votesync");
  const address = page.url();
  expect(address).toMatch(/\/jam\/[\w-]+\/host$/);
  const stranger = await openPage(browser, address);
  await stranger.getByRole("link", { name: "Vote on its queue" }).click();
  await stranger.getByText("The queue is empty.").waitFor();
});

test("a gateway killed with -9: its pages move to the other one, and miss nothing", async () => {
  const both = gateways.map(({ url }) => url).join(" ");
  const api = await installation.start("vote-api", { PUBLIC_REALTIME_URL: both });
  await makeJam(api, "killed");
  const stream = await addStream(api, "killed", "Only");
  const page = await openPage(browser, `${api.url}/jam/killed`);
  await untilLive(page);
  await page.evaluate(recordConnection);
  await (gateways[0] as ServiceProcess).kill9();
  await waitFor("the loss to be shown", async () => (await connectionStates(page)).some((state) => state !== "live"));
  await post(api, "/api/streams/upvote", { streamId: stream });
  await untilLive(page);
  await waitFor("the vote", async () => (await shownOn(page)).join() === `${stream} 1`);
  await (gateways[0] as ServiceProcess).restart();
});
