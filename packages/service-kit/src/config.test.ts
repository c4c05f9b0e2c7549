import { expect, test } from "@jest/globals";
import { z } from "zod";
import { authConfigShape, withOneKeySource } from "./auth-config.js";
import { booleanSchema, ConfigError, commonConfig, DEVELOPMENT_SECRET, parseConfig, portSchema } from "./config.js";

const schema = z.object({
  PORT: portSchema.default(3000),
  STRICT: booleanSchema.default(false),
  BATCH: z.coerce.number().int().min(1).default(5),
  STORE_URL: z.url(),
});

function messageOf(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

test("what is not set takes its default, and an empty variable counts as not set", () => {
  const env = { PORT: "", STRICT: "on", STORE_URL: "http://store" };
  expect(parseConfig(schema, env)).toEqual({ PORT: 3000, STRICT: true, BATCH: 5, STORE_URL: "http://store" });
});

test("every wrong variable is named at once, in words an operator understands", () => {
  const message = messageOf(() => parseConfig(schema, { PORT: "70000", STRICT: "perhaps", BATCH: "many" }));
  expect(message).toMatch(/PORT: .*65535/);
  expect(message).toMatch(/STRICT: .*true/);
  expect(message).toContain("BATCH: must be a number");
  expect(message).toContain("STORE_URL: is not set");
});

test("no message holds a value, which may be a secret", () => {
  const env = { PORT: "hunter2", STRICT: "hunter2", BATCH: "hunter2", STORE_URL: "hunter2" };
  expect(messageOf(() => parseConfig(schema, env))).not.toContain("hunter2");
  const auth = { AUTH_JWT_SECRET: "hunter2", AUTH_JWKS_URL: "hunter2" };
  expect(messageOf(() => parseConfig(z.object(authConfigShape), auth))).not.toContain("hunter2");
});

test("in production the development secret is refused, by services that check no token too", () => {
  const env = { AUTH_JWT_SECRET: DEVELOPMENT_SECRET, NODE_ENV: "production" };
  expect(messageOf(() => parseConfig(commonConfig, env))).toContain("AUTH_JWT_SECRET");
  expect(() => parseConfig(commonConfig, { ...env, NODE_ENV: "development" })).not.toThrow();
});

const authSchema = withOneKeySource(z.object(authConfigShape));

test("a secret below 32 bytes is refused; bytes count, not characters", () => {
  const parse = (secret: string) => () => parseConfig(authSchema, { AUTH_JWT_SECRET: secret });
  expect(messageOf(parse("x".repeat(31)))).toContain("AUTH_JWT_SECRET: must be at least 32 bytes");
  expect(parse("x".repeat(32))).not.toThrow();
  expect(parse("é".repeat(16))).not.toThrow();
});

test("tokens are checked in exactly one way: a secret or a key set", () => {
  const AUTH_JWT_SECRET = "x".repeat(32);
  const AUTH_JWKS_URL = "https://id.example/keys";
  expect(parseConfig(authSchema, { AUTH_JWKS_URL })).toMatchObject({ AUTH_JWKS_URL, AUTH_GUEST: false });
  expect(messageOf(() => parseConfig(authSchema, {}))).toContain("exactly one");
  expect(messageOf(() => parseConfig(authSchema, { AUTH_JWT_SECRET, AUTH_JWKS_URL }))).toContain("exactly one");
});
