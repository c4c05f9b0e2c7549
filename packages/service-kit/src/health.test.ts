import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { Gauge } from "prom-client";
import { describeServiceContract } from "./contract.js";
import { createHealth, type Health } from "./health.js";
import type { HealthCheck } from "./health-check.js";
import { createHealthServer } from "./health-server.js";
import { keptLog } from "./logger.testing.js";
import { createMetrics } from "./metrics.js";
import type { Service } from "./service.js";

const running: Service[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop();
});

const up = (name: string, required = true): HealthCheck => ({
  name,
  required,
  check: async () => ({ role: "primary" }),
});
const down = (name: string, required = true): HealthCheck => ({
  name,
  required,
  check: async () => {
    throw new Error("refused");
  },
});
const silent: HealthCheck = { name: "silent", required: true, check: () => new Promise(() => undefined) };

const healthOf = (checks: HealthCheck[], registry = createMetrics("test").registry) =>
  createHealth({ service: "test", checks, registry, checkTimeoutMs: 50 });

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function serve(health: Health): Promise<string> {
  const port = await freePort();
  const service = createHealthServer({ port, health, log: keptLog().log });
  await service.start();
  running.push(service);
  return `http://127.0.0.1:${port}`;
}

test("ready while everything required is up, naming what is degraded", async () => {
  const response = await fetch(`${await serve(healthOf([up("redis"), down("postgres", false)]))}/readyz`);
  expect(response.status).toBe(200);
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(await response.json()).toEqual({
    status: "degraded",
    service: "test",
    checks: {
      redis: { status: "up", latency_ms: expect.any(Number), required: true, role: "primary" },
      postgres: { status: "down", latency_ms: expect.any(Number), required: false, error: "refused" },
    },
  });
});

test("not ready while something required is down; alive all the same", async () => {
  const url = await serve(healthOf([down("redis"), up("postgres")]));
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([503, { status: "down" }]);
  const alive = await fetch(`${url}/healthz`);
  expect([alive.status, await alive.json()]).toEqual([200, { status: "ok", service: "test" }]);
});

test("a dependency that does not answer counts as down after the deadline", async () => {
  const { status, checks } = await healthOf([silent]).report();
  expect(status).toBe("down");
  expect(checks.silent?.latency_ms).toBeGreaterThanOrEqual(49);
});

test("what a check tells cannot hide whether it is up", async () => {
  const check: HealthCheck = {
    name: "redis",
    required: true,
    check: async () => ({ status: "standby", latency_ms: 0 }),
  };
  expect((await healthOf([check]).report()).checks.redis).toMatchObject({ status: "up" });
});

test("an error without words is told by its code", async () => {
  const error = Object.assign(new AggregateError([], ""), { code: "ECONNREFUSED" });
  const check: HealthCheck = { name: "postgres", required: true, check: () => Promise.reject(error) };
  expect((await healthOf([check]).report()).checks.postgres).toMatchObject({ error: "ECONNREFUSED" });
});

test("callers share the run under way, and its result for a moment", async () => {
  let runs = 0;
  let finish: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const check: HealthCheck = { name: "redis", required: true, check: () => gate.finally(() => runs++) };
  const health = createHealth({ service: "test", checks: [check], registry: createMetrics("test").registry });
  const reports = [health.report(), health.report()];
  finish();
  await Promise.all(reports);
  await health.report();
  expect(runs).toBe(1);
});

test("figures name the service, and HEAD gives no body", async () => {
  const url = await serve(healthOf([]));
  const metrics = await fetch(`${url}/metrics`);
  expect(metrics.headers.get("content-type")).toMatch(/^text\/plain/);
  expect(await metrics.text()).toMatch(/process_cpu_seconds_total\{service="test"\} /);
  for (const path of ["/metrics", "/healthz", "/readyz"]) {
    const head = await fetch(url + path, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  }
});

test("a wrong method is answered 405 with what is allowed, an unknown address 404, both as problems", async () => {
  const url = await serve(healthOf([]));
  const post = await fetch(`${url}/readyz?x=1`, { method: "POST" });
  expect([post.status, post.headers.get("allow"), await post.json()]).toMatchObject([
    405,
    "GET, HEAD",
    { title: "Method Not Allowed", instance: "/readyz" },
  ]);
  for (const path of ["/", "/toString", "/readyz/"]) {
    const response = await fetch(url + path);
    expect([response.status, response.headers.get("content-type")]).toEqual([
      404,
      "application/problem+json; charset=utf-8",
    ]);
    await response.body?.cancel();
  }
});

test("a figure that cannot be read is a 500 and not the end of the service", async () => {
  const { registry } = createMetrics("test");
  const collect = () => {
    throw new Error("the insides");
  };
  new Gauge({ name: "spoiled", help: "fails", registers: [registry], collect });
  const url = await serve(healthOf([], registry));
  const response = await fetch(`${url}/metrics`);
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("insides");
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
});

describeServiceContract("a health server", async () =>
  createHealthServer({ port: await freePort(), health: healthOf([]), log: keptLog().log }),
);
