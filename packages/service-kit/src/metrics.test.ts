import { expect, test } from "@jest/globals";
import { Counter } from "prom-client";
import { createMetrics } from "./metrics.js";

test("every figure names its service, Node's own and those a service adds", async () => {
  const { registry } = createMetrics("vote-worker");
  new Counter({ name: "votes_total", help: "votes", registers: [registry] }).inc();
  const text = await registry.metrics();
  expect(text).toContain('votes_total{service="vote-worker"} 1');
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(samples.filter((line) => !line.includes('service="vote-worker"'))).toEqual([]);
});
