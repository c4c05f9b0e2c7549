/** The services of `pnpm start`: the one place that knows them. */
import type { Store } from "./server-setup.js";

export interface ServiceSpec {
  name: string;
  /** From the root of the repository. */
  main: string;
  portVariable: string;
  defaultPort: number;
  /** What people find there; shown with its address when all is ready. */
  label?: string;
}

/** A program that runs to its end before the services start. */
export interface SetUpStep {
  name: string;
  /** Arguments of node, from the root of the repository. */
  args: string[];
}

export interface StackPlan {
  stores: readonly Store[];
  services: readonly ServiceSpec[];
  /** The service people call; its `/statusz` answers 200 when everything is ready. */
  entry: string;
  setUp: readonly SetUpStep[];
}

function service(name: string, portVariable: string, defaultPort: number, label?: string): ServiceSpec {
  return { name, main: `apps/${name}/dist/main.js`, portVariable, defaultPort, ...(label ? { label } : {}) };
}

export const VOTESYNC: StackPlan = {
  stores: ["redis", "postgres", "mongo"],
  services: [
    service("vote-api", "VOTE_API_PORT", 3000, "web app and API"),
    service("realtime-gateway", "REALTIME_PORT", 3001, "realtime"),
    service("vote-worker", "VOTE_WORKER_PORT", 3002),
    service("sync-scheduler", "SYNC_SCHEDULER_PORT", 3003),
    service("finalizer", "FINALIZER_PORT", 3004),
  ],
  entry: "vote-api",
  setUp: [
    { name: "migrate", args: ["packages/cli/dist/main.js", "migrate"] },
    // Said once here, and not again and again by every service that would refuse to start.
    { name: "settings", args: ["packages/cli/dist/main.js", "settings", "check"] },
    { name: "seed", args: ["packages/cli/dist/main.js", "seed"] },
  ],
};
