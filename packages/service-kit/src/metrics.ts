import { collectDefaultMetrics, Registry } from "prom-client";

export interface Metrics {
  registry: Registry;
}

/** A registry of this process: Node's own figures, and what the service adds. Every figure names the service. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return { registry };
}
