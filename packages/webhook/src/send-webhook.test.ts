/** A webhook against real servers: what arrives, and what never leaves. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import { sendWebhook, type WebhookTarget } from "./send-webhook.js";

const SECRET = "a secret of two parties, long enough for both";
const MESSAGE = { id: "run-1", type: "sync.failed", at: new Date("2026-11-23T12:00:00Z"), data: { run_id: "1" } };

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

async function targetOf(answer: RequestListener, more: Partial<WebhookTarget> = {}): Promise<WebhookTarget> {
  const server = createServer(answer);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, secret: SECRET, allowPrivate: true, timeoutMs: 300, ...more };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  return body;
}

test("it arrives signed, with an id that tells a repetition", async () => {
  const received: unknown[] = [];
  const target = await targetOf(async (req, res) => {
    const headers = req.headers as Record<string, string>;
    received.push([headers["webhook-id"], new Webhook(SECRET, { format: "raw" }).verify(await bodyOf(req), headers)]);
    res.writeHead(204).end();
  });
  await sendWebhook(target, MESSAGE);
  const body = { type: "sync.failed", timestamp: "2026-11-23T12:00:00.000Z", data: { run_id: "1" } };
  expect(received).toEqual([["run-1", body]]);
});

test.each<[what: string, answer: RequestListener, words: RegExp]>([
  ["it is refused", (_req, res) => res.writeHead(500).end(), /was answered 500$/],
  [
    "it is sent elsewhere",
    (_req, res) => res.writeHead(307, { location: "http://127.0.0.1:1/" }).end(),
    /answered 307$/,
  ],
  ["nothing is said", () => undefined, /could not be sent: no answer within 300 ms$/],
  ["the connection breaks", (req) => req.socket.destroy(), /could not be sent/],
])("whoever sends is told when %s", async (_, answer, words) => {
  await expect(sendWebhook(await targetOf(answer), MESSAGE)).rejects.toThrow(words);
});

test.each([
  "http://127.0.0.1",
  "http://localhost",
  "http://10.0.0.1",
  "http://192.168.1.1",
  "http://169.254.169.254/latest/meta-data",
  "http://[::1]",
  "http://[::ffff:127.0.0.1]",
  "http://0.0.0.0",
])("an address inside is not spoken to: %s", async (address) => {
  let calls = 0;
  const target = await targetOf((_req, res) => {
    calls++;
    res.end();
  });
  const { port } = new URL(target.url);
  const url = new URL(address);
  url.port = port;
  await expect(sendWebhook({ ...target, url: url.href, allowPrivate: false }, MESSAGE)).rejects.toThrow(/not allowed/);
  expect(calls).toBe(0);
});
