import { expect, test } from "@jest/globals";
import { ConfigError, parseConfig } from "@votesync/service-kit";
import { configSchema } from "./config.js";

const REQUIRED = {
  DATABASE_URL: "postgresql://db/votesync",
  REDIS_URL: "redis://cache",
  AUTH_JWT_SECRET: "a secret that is long enough for HS256",
};

test("the defaults are those of the documentation", () => {
  expect(parseConfig(configSchema, REQUIRED)).toMatchObject({
    REALTIME_PORT: 3001,
    CORS_ORIGINS: ["*"],
    FOLD_WINDOW_MS: 55,
    SOCKETS_PER_ADDRESS_MAX: 1_000,
    SOCKET_EVENTS_PER_SECOND_MAX: 50,
    SOCKET_ROOMS_MAX: 2_000,
  });
});

test("origins are taken as browsers write them", () => {
  const { CORS_ORIGINS } = parseConfig(configSchema, { ...REQUIRED, CORS_ORIGINS: "https://a.example/, http://b:80" });
  expect(CORS_ORIGINS).toEqual(["https://a.example", "http://b"]);
});

test.each([
  ["FOLD_WINDOW_MS", "54"],
  ["CORS_ORIGINS", "a.example"],
  ["TRUST_PROXY", "everybody"],
  ["SOCKET_ROOMS_MAX", "0"],
])("%s=%s is refused", (variable, value) => {
  const parse = () => parseConfig(configSchema, { ...REQUIRED, [variable]: value });
  expect(parse).toThrow(ConfigError);
  expect(parse).toThrow(variable);
});
