/** Guests against a server of this test: who is the same guest, and when there is a new one. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { guestToken } from "./guest.js";

let server: Server;
let url: string;
let made = 0;
let letIn = true;
const stored = new Map<string, string>();

beforeAll(async () => {
  server = createServer((_req, res) => {
    res.writeHead(letIn ? 201 : 403, { "Content-Type": "application/json" });
    res.end(JSON.stringify(letIn ? { data: { token: `guest ${++made}` } } : { title: "No" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  made = 0;
  letIn = true;
  stored.clear();
  // Of a browser this needs nothing else.
  Object.defineProperty(globalThis, "localStorage", {
    configurable: true,
    value: {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    },
  });
});
afterEach(() => {
  Reflect.deleteProperty(globalThis, "localStorage");
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("two clients of a page are one guest, also when they ask at the same moment", async () => {
  const [a, b] = [guestToken(url), guestToken(url)];
  expect(await Promise.all([a(null), b(null)])).toEqual(["guest 1", "guest 1"]);
  expect(await a(null)).toBe("guest 1");
  expect(await guestToken(url)(null)).toBe("guest 1");
});

test("a refused guest becomes another one, unless another tab has become one already", async () => {
  const guest = guestToken(url);
  expect(await guest(null)).toBe("guest 1");
  expect(await guest("guest 1")).toBe("guest 2");
  const [key] = stored.keys();
  stored.set(key as string, "guest of another tab");
  expect(await guest("guest 2")).toBe("guest of another tab");
  expect(made).toBe(2);
});

test("where guests are not let in there is no token", async () => {
  letIn = false;
  expect(await guestToken(url)(null)).toBeNull();
});
