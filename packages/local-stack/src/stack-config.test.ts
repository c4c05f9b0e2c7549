import { describe, expect, test } from "@jest/globals";
import { VOTESYNC } from "./services.js";
import { readStackConfig, serviceEnv } from "./stack-config.js";

const read = (env: NodeJS.ProcessEnv) => readStackConfig("/repo", env, VOTESYNC);
const envOf = (env: NodeJS.ProcessEnv) => serviceEnv(read(env), VOTESYNC, { REDIS_URL: "redis://r" });

describe("the configuration of pnpm start", () => {
  test("moves every port by PORT_OFFSET, the set ones too", () => {
    expect(read({ PORT_OFFSET: "100", VOTE_API_PORT: "8000", MONGO_PORT: "" })).toMatchObject({
      dataDir: "/repo/.data",
      servicePorts: { VOTE_API_PORT: 8100, REALTIME_PORT: 3101, FINALIZER_PORT: 3104 },
      serverPorts: { redis: 3110, postgres: 3111, mongo: 3112 },
    });
  });

  test("gives the services their ports, each other's addresses and what suits a developer's machine", () => {
    expect(envOf({ PORT_OFFSET: "10", LOG_LEVEL: "debug" })).toEqual({
      LOG_LEVEL: "debug",
      AUTH_GUEST: "true",
      AUTH_JWT_SECRET: "votesync-development-secret-do-not-use",
      HTTP_RATE_MAX: "0",
      HTTP_USER_RATE_MAX: "0",
      REDIS_URL: "redis://r",
      SERVICE_URLS:
        "realtime-gateway=http://127.0.0.1:3011,vote-worker=http://127.0.0.1:3012," +
        "sync-scheduler=http://127.0.0.1:3013,finalizer=http://127.0.0.1:3014",
      VOTE_API_PORT: "3010",
      REALTIME_PORT: "3011",
      VOTE_WORKER_PORT: "3012",
      SYNC_SCHEDULER_PORT: "3013",
      FINALIZER_PORT: "3014",
    });
  });

  test("uses the development secret only where no way to check tokens is set", () => {
    expect(envOf({ AUTH_JWT_SECRET: "own" }).AUTH_JWT_SECRET).toBe("own");
    expect(envOf({ AUTH_JWKS_URL: "https://keys" }).AUTH_JWT_SECRET).toBeUndefined();
    expect(envOf({ AUTH_GUEST: "false", HTTP_RATE_MAX: "9" })).toMatchObject({
      AUTH_GUEST: "false",
      HTTP_RATE_MAX: "9",
    });
  });

  test.each([
    [{ VOTE_API_PORT: "http" }, "VOTE_API_PORT must be a whole number"],
    [{ PORT_OFFSET: "70000" }, "gives 73010: must be between 1 and 65535"],
    [{ REDIS_PORT: "3000" }, "port 3000 is wanted twice"],
  ])("refuses %j and says why", (env, message) => {
    expect(() => read(env)).toThrow(message);
  });
});
