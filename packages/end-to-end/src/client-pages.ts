/** Pages of another origin with the client on them, in a real browser, and what they sent. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHROMIUM_ARGUMENTS, findChromium, type ServiceProcess, testToken } from "@votesync/testkit";
import { type Browser, chromium, type Page, type Request } from "playwright-core";
import { newPage } from "./browsers.js";
import { Installation } from "./installation.js";
import { inRepository, run } from "./programs.js";
import { Site } from "./site.js";

/** A page and what went out of it. */
export interface WatchedPage {
  page: Page;
  /** Addresses of gateways that sockets were opened to. */
  sockets: string[];
  /** Events sent over them: `subscribe {"projects":["p"]}`. */
  sent: string[];
  /** Votes by HTTP, in order. */
  votes: { vote: string; key: string }[];
  errors: string[];
}

export class ClientPages {
  private constructor(
    readonly installation: Installation,
    readonly api: ServiceProcess,
    readonly site: Site,
    private readonly browser: Browser,
    private readonly folder: string,
    readonly script: string,
  ) {}

  static async start(): Promise<ClientPages> {
    const folder = await mkdtemp(join(tmpdir(), "votesync-page-"));
    const entry = inRepository("packages/end-to-end/src/client-page.testing.ts");
    await run("packages/end-to-end", "fixtures/bundle-page.mjs", [entry, folder]);
    const installation = await Installation.create({ AUTH_GUEST: "true", VOTE_RATE_MAX: "0", SYNC_INTERVAL_MS: "200" });
    const gateway = await installation.start("realtime-gateway");
    await installation.start("vote-worker");
    await installation.start("sync-scheduler");
    const api = await installation.start("vote-api", { REALTIME_PORT: String(gateway.port) });
    const executablePath = await findChromium();
    const browser = await chromium.launch({ executablePath, args: CHROMIUM_ARGUMENTS });
    const script = await readFile(join(folder, "page.js"), "utf8");
    return new ClientPages(installation, api, await Site.start(folder), browser, folder, script);
  }

  /** A page with `window.page`, of somebody of their own. */
  async open(user: string, rendered = ""): Promise<WatchedPage> {
    const html = `<!doctype html><div id="root">${rendered}</div><script src="/page.js"></script>`;
    const query = new URLSearchParams({ api: this.api.url, token: await testToken(user) });
    return this.openUrl(`${this.site.page(`/${user}`, html)}?${query}`);
  }

  async openUrl(url: string): Promise<WatchedPage> {
    const page = await newPage(this.browser);
    const watched: WatchedPage = { page, sockets: [], sent: [], votes: [], errors: [] };
    page.on("websocket", (socket) => {
      watched.sockets.push(socket.url());
      socket.on("framesent", ({ payload }) => {
        const [, name, body] = /^42\d+\["(\w+)",(.*)\]$/.exec(String(payload)) ?? [];
        if (name !== undefined) watched.sent.push(`${name} ${body}`);
      });
    });
    page.on("request", (request) => {
      if (request.method() === "POST" && request.url().endsWith("/api/votes")) watched.votes.push(voteOf(request));
    });
    page.on("pageerror", (error) => watched.errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.location().url.endsWith("favicon.ico")) {
        watched.errors.push(message.text());
      }
    });
    await page.goto(url);
    return watched;
  }

  async remove(): Promise<void> {
    await this.browser.close();
    await this.site.stop();
    await rm(this.folder, { recursive: true, force: true });
    await this.installation.remove();
  }
}

function voteOf(request: Request): { vote: string; key: string } {
  const { vote_type } = request.postDataJSON() as { vote_type: string };
  return { vote: vote_type, key: request.headers()["idempotency-key"] ?? "" };
}
