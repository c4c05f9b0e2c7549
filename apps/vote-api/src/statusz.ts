import type { HealthCheck } from "@votesync/service-kit";

const READY_TIMEOUT_MS = 900;

/** Another service's own readiness, as a check of `/statusz`. */
export function serviceCheck([name, url]: [name: string, url: string]): HealthCheck {
  return {
    name,
    required: true,
    check: async () => {
      const response = await fetch(new URL("/readyz", url), { signal: AbortSignal.timeout(READY_TIMEOUT_MS) });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`not ready: /readyz answers ${response.status}`);
    },
  };
}
