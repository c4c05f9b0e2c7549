/** The services `pnpm start` runs: one row each, with its port and where that port may be set. */
import { fileURLToPath } from "node:url";
import { z } from "zod";

export const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));

const port = (standard: number) => z.coerce.number().int().min(1).max(65_535).default(standard);

const portsSchema = z.object({
  VOTE_API_PORT: port(3000),
  REALTIME_PORT: port(3001),
  VOTE_WORKER_PORT: port(3002),
  SYNC_SCHEDULER_PORT: port(3003),
  FINALIZER_PORT: port(3004),
  REDIS_PORT: port(3010),
  POSTGRES_PORT: port(3011),
  MONGO_PORT: port(3012),
});
export type Ports = z.output<typeof portsSchema>;

const offsetSchema = z.object({ PORT_OFFSET: z.coerce.number().int().min(0).max(60_000).default(0) });

/** Every port, `PORT_OFFSET` added. @throws {z.ZodError} */
export function readPorts(env: NodeJS.ProcessEnv): Ports {
  const { PORT_OFFSET: offset } = offsetSchema.parse(env);
  const ports = portsSchema.parse(env);
  return portsSchema.parse(Object.fromEntries(Object.entries(ports).map(([name, value]) => [name, value + offset])));
}

/** In the order they are started. */
export const SERVICES: { name: string; portVariable: keyof Ports }[] = [
  { name: "vote-worker", portVariable: "VOTE_WORKER_PORT" },
  { name: "sync-scheduler", portVariable: "SYNC_SCHEDULER_PORT" },
  { name: "finalizer", portVariable: "FINALIZER_PORT" },
  { name: "realtime-gateway", portVariable: "REALTIME_PORT" },
  { name: "vote-api", portVariable: "VOTE_API_PORT" },
];

const DEVELOPMENT_SECRET = "votesync-development-secret-do-not-use";

export function usesDevelopmentSecret(env: NodeJS.ProcessEnv): boolean {
  return (env.AUTH_JWT_SECRET ?? "") === "" && (env.AUTH_JWKS_URL ?? "") === "";
}

/** The services' environment: the caller's, the ports and stores, and what makes a first try easy. */
export function serviceEnv(env: NodeJS.ProcessEnv, ports: Ports, stores: Record<string, string>): NodeJS.ProcessEnv {
  const others = SERVICES.filter(({ name }) => name !== "vote-api");
  return {
    AUTH_GUEST: "true",
    HTTP_RATE_MAX: "0",
    ...(usesDevelopmentSecret(env) ? { AUTH_JWT_SECRET: DEVELOPMENT_SECRET } : {}),
    ...Object.fromEntries(Object.entries(env).filter(([, value]) => value !== "")),
    ...stores,
    ...Object.fromEntries(Object.entries(ports).map(([name, value]) => [name, String(value)])),
    SERVICE_URLS: others.map((s) => `${s.name}=http://127.0.0.1:${ports[s.portVariable]}`).join(","),
  };
}
