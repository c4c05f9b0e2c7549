import { expect, test } from "@jest/globals";
import { isAdminToken, tokenInHash, tokenSubject } from "./token.js";

const jwt = (payload: object) =>
  ["{}", JSON.stringify(payload), "signature"].map((part) => Buffer.from(part).toString("base64url")).join(".");

test("the subject of a token is read, whatever alphabet it is written in", () => {
  expect(tokenSubject(jwt({ sub: "alice" }))).toBe("alice");
  expect(tokenSubject(jwt({ sub: "Zoë ¿ÿ? 李" }))).toBe("Zoë ¿ÿ? 李");
});

test("a token says whether it is an admin's", () => {
  expect(isAdminToken(jwt({ sub: "root", role: "admin" }))).toBe(true);
  for (const text of ["", jwt({ sub: "ann" }), jwt({ sub: "ann", role: "administrator" })]) {
    expect(isAdminToken(text)).toBe(false);
  }
});

test("what is no token has no subject", () => {
  for (const text of ["", "abc", "a.b.c", jwt({}), jwt({ sub: 7 }), jwt({ sub: "" })]) {
    expect(tokenSubject(text)).toBeNull();
  }
});

test("a token is found in the address's hash, with or without a question mark", () => {
  expect(tokenInHash("#token=a.b-c_d")).toBe("a.b-c_d");
  expect(tokenInHash("#?token=a.b.c")).toBe("a.b.c");
  expect(tokenInHash("#list?x=1")).toBeNull();
  expect(tokenInHash("#token=")).toBeNull();
  expect(tokenInHash("")).toBeNull();
});
