import { expect, test } from "@jest/globals";
import { RedisNames } from "@votesync/core";
import type { Express } from "express";
import { type AppDeps, createApp } from "./app.js";
import { openApiDocument } from "./openapi.js";

/** Addresses of pages and of operating, which are no part of the API. */
const UNDOCUMENTED = ["/", "/statusz", "/config.json", "/openapi.json", "/vote-button.js"];

interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
}

/** `get /api/projects/{id}` of every route the application answers. */
function routesOf(app: Express): string[] {
  const { stack } = app.router as unknown as { stack: Layer[] };
  return stack
    .flatMap(({ route }) => (route === undefined ? [] : [route]))
    .filter(({ path }) => !UNDOCUMENTED.includes(path))
    .flatMap(({ path, methods }) =>
      Object.keys(methods)
        .filter((method) => method !== "_all")
        .map((method) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`),
    );
}

test("the document has every route of the API, and no other", () => {
  // Routes are declared without touching a store.
  const stores = { redis: {}, postgres: { prisma: {}, pool: {} } } as unknown as Pick<AppDeps, "redis" | "postgres">;
  const app = createApp({
    ...stores,
    auth: { AUTH_GUEST: true },
    realtime: { publicUrls: [], port: 3001 },
    names: new RedisNames(),
    trustProxy: false,
    crossOrigin: (_req: unknown, _res: unknown, next: () => void) => next(),
  } as unknown as AppDeps);
  const { paths } = openApiDocument as { paths: Record<string, object> };
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(documented.sort()).toEqual(routesOf(app).sort());
});

test("every answer the document names has a schema or a problem", () => {
  const text = JSON.stringify(openApiDocument);
  expect(openApiDocument).toMatchObject({ openapi: "3.1.0", components: { securitySchemes: { bearer: {} } } });
  expect(text).toContain('"application/problem+json"');
  expect(text).not.toContain('"schema":{}');
});
