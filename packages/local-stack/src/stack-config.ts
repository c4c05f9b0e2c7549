import { join, resolve } from "node:path";
import type { Store } from "./server-setup.js";
import type { StackPlan } from "./services.js";

const SERVERS: Record<Store, { variable: string; defaultPort: number }> = {
  redis: { variable: "REDIS_PORT", defaultPort: 3010 },
  postgres: { variable: "POSTGRES_PORT", defaultPort: 3011 },
  mongo: { variable: "MONGO_PORT", defaultPort: 3012 },
};
const HIGHEST_PORT = 65_535;
/** Known to everybody, so worthless anywhere else; with NODE_ENV=production every service refuses it. */
const DEVELOPMENT_SECRET = "votesync-development-secret-do-not-use";

/** The environment is wrong; the message is for whoever set it. */
export class StackConfigError extends Error {
  override readonly name = "StackConfigError";
}

export interface StackConfig {
  repoRoot: string;
  dataDir: string;
  /** The offset is in it. */
  serverPorts: Record<Store, number>;
  /** By the variable that sets each. */
  servicePorts: Record<string, number>;
  usesDevelopmentSecret: boolean;
  /** The caller's, as it is. */
  env: NodeJS.ProcessEnv;
}

/** @throws {StackConfigError} */
export function readStackConfig(repoRoot: string, env: NodeJS.ProcessEnv, plan: StackPlan): StackConfig {
  const offset = readInteger(env, "PORT_OFFSET", 0);
  const port = (variable: string, fallback: number) => readPort(env, variable, fallback, offset);
  const serverPorts = {
    redis: port(SERVERS.redis.variable, SERVERS.redis.defaultPort),
    postgres: port(SERVERS.postgres.variable, SERVERS.postgres.defaultPort),
    mongo: port(SERVERS.mongo.variable, SERVERS.mongo.defaultPort),
  };
  const servicePorts = Object.fromEntries(
    plan.services.map(({ portVariable, defaultPort }) => [portVariable, port(portVariable, defaultPort)]),
  );
  assertDistinct([...Object.values(serverPorts), ...Object.values(servicePorts)]);
  return {
    repoRoot,
    dataDir: resolve(env.DATA_DIR || join(repoRoot, ".data")),
    serverPorts,
    servicePorts,
    usesDevelopmentSecret: !env.AUTH_JWT_SECRET && !env.AUTH_JWKS_URL,
    env,
  };
}

/** What every service gets: the caller's environment, the servers, the ports, and what suits a developer's machine. */
export function serviceEnv(
  config: StackConfig,
  plan: StackPlan,
  servers: Record<string, string>,
): Record<string, string | undefined> {
  const { env, servicePorts } = config;
  const others = plan.services.filter(({ name }) => name !== plan.entry);
  const urls = others.map(({ name, portVariable }) => `${name}=http://127.0.0.1:${servicePorts[portVariable]}`);
  const ports = Object.entries(servicePorts).map(([variable, port]) => [variable, String(port)]);
  const { PORT_OFFSET: _alreadyAdded, ...rest } = env;
  return {
    ...rest,
    AUTH_GUEST: env.AUTH_GUEST || "true",
    HTTP_RATE_MAX: env.HTTP_RATE_MAX || "0",
    HTTP_USER_RATE_MAX: env.HTTP_USER_RATE_MAX || "0",
    ...(config.usesDevelopmentSecret ? { AUTH_JWT_SECRET: DEVELOPMENT_SECRET } : {}),
    ...Object.fromEntries(ports),
    ...servers,
    SERVICE_URLS: urls.join(","),
  };
}

function readPort(env: NodeJS.ProcessEnv, variable: string, fallback: number, offset: number): number {
  const port = readInteger(env, variable, fallback) + offset;
  if (port >= 1 && port <= HIGHEST_PORT) return port;
  throw new StackConfigError(`${variable} with PORT_OFFSET gives ${port}: must be between 1 and ${HIGHEST_PORT}`);
}

function readInteger(env: NodeJS.ProcessEnv, variable: string, fallback: number): number {
  const text = env[variable];
  if (text === undefined || text === "") return fallback;
  if (!/^-?\d{1,6}$/.test(text)) throw new StackConfigError(`${variable} must be a whole number`);
  return Number(text);
}

function assertDistinct(ports: number[]): void {
  const twice = ports.find((port, index) => ports.indexOf(port) !== index);
  if (twice !== undefined) throw new StackConfigError(`port ${twice} is wanted twice: look at the *_PORT variables`);
}
