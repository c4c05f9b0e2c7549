/**
 * There is no container engine where these tests run, so the files are held against the code: what is started exists,
 * what is set is known, what is needed is set, and everybody listens where the others look.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { SETTING_NAMES } from "@votesync/core";
import { parse } from "yaml";
import { configSchema as finalizer } from "../../../apps/finalizer/src/config.js";
import { configSchema as realtimeGateway } from "../../../apps/realtime-gateway/src/config.js";
import { configSchema as syncScheduler } from "../../../apps/sync-scheduler/src/config.js";
import { configSchema as voteApi } from "../../../apps/vote-api/src/config.js";
import { configSchema as voteWorker } from "../../../apps/vote-worker/src/config.js";

interface ComposeService {
  image: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  container_name?: string;
}

interface Compose {
  services: Record<string, ComposeService>;
  volumes: Record<string, null>;
}

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const read = (path: string) => readFileSync(`${ROOT}${path}`, "utf8");
const compose = parse(read("docker-compose.yml"), { merge: true }) as Compose;
const dockerfile = read("infra/docker/Dockerfile");

const APPS = {
  "vote-api": { schema: voteApi, portVariable: "VOTE_API_PORT" },
  "realtime-gateway": { schema: realtimeGateway, portVariable: "REALTIME_PORT" },
  "vote-worker": { schema: voteWorker, portVariable: "VOTE_WORKER_PORT" },
  "sync-scheduler": { schema: syncScheduler, portVariable: "SYNC_SCHEDULER_PORT" },
  finalizer: { schema: finalizer, portVariable: "FINALIZER_PORT" },
} as const;

/** What compose hands over when no variable of the shell is set: `${NAME:-standard}` becomes the standard. */
function resolved(environment: Record<string, string>): Record<string, string> {
  const value = (text: string) => text.replace(/\$\{\w+:?-([^}]*)\}/g, "$1");
  const values = Object.entries(environment).map(([name, text]) => [name, value(String(text))]);
  // Services take an empty variable for one that is not set.
  return Object.fromEntries(values.filter(([, text]) => text !== ""));
}

const service = (name: string): ComposeService => {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};

describe.each(Object.entries(APPS))("%s", (name, { schema, portVariable }) => {
  const { command = [], environment = {}, healthcheck } = service(name);
  const env = resolved(environment);

  test("runs its own built entry point, from the one image", () => {
    expect(command).toEqual(["node", `apps/${name}/dist/main.js`]);
    expect(existsSync(`${ROOT}apps/${name}/src/main.ts`)).toBe(true);
    expect(service(name)).toMatchObject({ image: "votesync", build: { dockerfile: "infra/docker/Dockerfile" } });
  });

  test("is given only variables it knows, and all it cannot do without", () => {
    const known = Object.keys(schema.shape);
    expect(Object.keys(env).filter((variable) => !known.includes(variable))).toEqual([]);
    expect(schema.safeParse(env).error?.issues ?? []).toEqual([]);
  });

  test("is asked for its health where it listens", () => {
    expect(healthcheck?.test.join(" ")).toContain(`http://127.0.0.1:${env[portVariable]}/healthz`);
    expect(String(schema.parse({ ...env, [portVariable]: undefined })[portVariable as never])).toBe(env[portVariable]);
  });

  test("can be scaled: no name and no port of the machine is taken", () => {
    expect(service(name).container_name).toBeUndefined();
    expect(service(name).ports).toBeUndefined();
  });
});

test("every service waits for services there are, has a health check if it runs on, and a pinned image", () => {
  for (const [name, { depends_on = {}, healthcheck, image }] of Object.entries(compose.services)) {
    for (const needed of Object.keys(depends_on)) expect(Object.keys(compose.services)).toContain(needed);
    if (name !== "migrate") expect(healthcheck?.test.length).toBeGreaterThan(1);
    if (image !== "votesync") expect(image).toMatch(/:\d+(\.\d+)?(-alpine)?$/);
  }
});

test("services come up after the migration, which runs the command everybody runs", () => {
  expect(service("migrate").command?.join(" ")).toContain("packages/cli/dist/main.js migrate");
  for (const name of ["vote-api", "vote-worker", "sync-scheduler", "realtime-gateway"]) {
    expect(service(name).depends_on?.migrate).toEqual({ condition: "service_completed_successfully" });
  }
});

test("data are in volumes that are declared", () => {
  const used = ["redis", "postgres", "mongo"].flatMap((store) => service(store).volumes ?? []);
  expect(used.map((volume) => volume.split(":")[0]).sort()).toEqual(Object.keys(compose.volumes).sort());
});

test("Redis keeps what it answered", () => {
  const settings = service("redis").command?.join(" ");
  expect(settings).toContain("--appendonly yes --appendfsync always");
  expect(settings).toContain("--maxmemory-policy noeviction");
});

test("one proxy publishes 3000 and 3001 and passes them to the ports of the services behind it", () => {
  const publishing = Object.entries(compose.services).filter(([, { ports }]) => ports !== undefined);
  expect(publishing.map(([name, { ports }]) => [name, ports])).toEqual([["proxy", ["3000:3000", "3001:3001"]]]);
  const proxy = read("infra/proxy/nginx.conf");
  const targets = [...proxy.matchAll(/listen (\d+);[\s\S]*?set \$\w+ ([\w-]+):(\d+);/g)].map(([, ...found]) => found);
  expect(targets).toEqual([
    ["3000", "vote-api", resolved(service("vote-api").environment ?? {}).VOTE_API_PORT],
    ["3001", "realtime-gateway", resolved(service("realtime-gateway").environment ?? {}).REALTIME_PORT],
  ]);
  for (const header of ["Host", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Upgrade", "Connection"]) {
    // Before the first server: one header set in a location, and that location inherits none of these.
    expect(proxy.split(/^ {2}server/m)[0]).toContain(`proxy_set_header ${header} `);
  }
  expect(proxy.match(/^ {4,}proxy_set_header/gm)).toBeNull();
  for (const behind of ["vote-api", "realtime-gateway"]) expect(service(behind).environment?.TRUST_PROXY).toBe("1");
});

test("vote-api asks every other service for its health, at the port it has", () => {
  const urls = resolved(service("vote-api").environment ?? {})
    .SERVICE_URLS?.split(",")
    .sort();
  const others = Object.entries(APPS).filter(([name]) => name !== "vote-api");
  const expected = others.map(([name, { portVariable }]) => {
    return `${name}=http://${name}:${resolved(service(name).environment ?? {})[portVariable]}`;
  });
  expect(urls).toEqual(expected.sort());
});

test("the example of an environment names what compose takes from it", () => {
  const named = [...read(".env.example").matchAll(/^(\w+)=/gm)].map(([, name]) => name);
  const taken = new Set([...read("docker-compose.yml").matchAll(/\$\{(\w+):?-/g)].map(([, name]) => name));
  expect(named.filter((name) => !taken.has(name))).toEqual([]);
  expect(named).toContain("AUTH_JWT_SECRET");
});

test("what all services must have alike is one variable for all of them, and is checked before any of them starts", () => {
  const migrate = service("migrate");
  expect(migrate.command?.join(" ")).toContain("main.js settings check");
  for (const name of SETTING_NAMES) {
    const value = migrate.environment?.[name];
    expect(value).toContain(`{${name}:-`);
    for (const [app, { schema }] of Object.entries(APPS)) {
      if (name in schema.shape) expect([app, name, service(app).environment?.[name]]).toEqual([app, name, value]);
    }
  }
});

test("the image is built with the commands of the README and runs as nobody special", () => {
  expect(dockerfile).toContain("npx -y pnpm@12 install --frozen-lockfile && npx -y pnpm@12 run build");
  expect(
    dockerfile
      .trimEnd()
      .split("\n")
      .filter((line) => line.startsWith("USER")),
  ).toEqual(["USER node"]);
  expect(dockerfile).toContain("STOPSIGNAL SIGTERM");
  // Pages and /vote-button.js are what other packages are built to, and vote-api serves.
  expect(dockerfile).toContain("COPY --from=build --chown=node:node /app /app");
  expect(dockerfile).not.toMatch(/rm -rf[^\n]*dist/);
  const ignored = read(".dockerignore").split("\n");
  expect(ignored).toEqual(expect.arrayContaining(["**/node_modules", ".data", ".env"]));
});
