/** Somebody else's web site: pages of another origin than anything of ours. */
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};

export class Site {
  readonly #pages = new Map<string, { html: string; headers: Record<string, string> }>();
  readonly #server: Server;

  private constructor(folder: string | null) {
    this.#server = createServer(async (req, res) => {
      const { pathname } = new URL(req.url ?? "/", "http://site");
      const page = this.#pages.get(pathname);
      if (page !== undefined)
        return void res.writeHead(200, { "Content-Type": TYPES[".html"], ...page.headers }).end(page.html);
      try {
        if (folder === null) throw new Error("no folder");
        const file = await readFile(join(folder, normalize(pathname === "/" ? "/index.html" : pathname)));
        res.writeHead(200, { "Content-Type": TYPES[extname(pathname)] ?? TYPES[".html"] }).end(file);
      } catch {
        res.writeHead(404).end();
      }
    });
  }

  /** @param folder whose files it serves besides its pages */
  static async start(folder: string | null = null): Promise<Site> {
    const site = new Site(folder);
    await new Promise<void>((resolve) => site.#server.listen(0, "127.0.0.1", resolve));
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @returns the page's address */
  page(path: string, html: string, headers: Record<string, string> = {}): string {
    this.#pages.set(path, { html, headers });
    return this.url + path;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
