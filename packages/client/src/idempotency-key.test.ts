import { webcrypto } from "node:crypto";
import { expect, test } from "@jest/globals";
import { newIdempotencyKey } from "./idempotency-key.js";

test("a key is a UUID where the browser makes them", () => {
  expect(newIdempotencyKey()).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
});

test("a page that is not served securely gets keys of the same strength", () => {
  const insecure = { getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => webcrypto.getRandomValues(bytes) };
  const keys = Array.from({ length: 100 }, () => newIdempotencyKey(insecure));
  expect(new Set(keys).size).toBe(100);
  for (const key of keys) expect(key).toMatch(/^[\da-f]{32}$/);
});
