/** Real Chromium, and people in it who share nothing. */
import { CHROMIUM_ARGUMENTS, findChromium } from "@votesync/testkit";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** For a page to come, and for what is waited for on it. */
const PAGE_DEADLINE_MS = 60_000;

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await findChromium(), args: CHROMIUM_ARGUMENTS });
}

/** A person of their own: nothing is shared with other pages. */
export async function newPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PAGE_DEADLINE_MS);
  return context.newPage();
}

/** Such a person at this address. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const page = await newPage(browser, options);
  await page.goto(url);
  return page;
}

export const untilLive = (page: Page) => page.waitForSelector('[data-testid="connection"][data-state="live"]');
