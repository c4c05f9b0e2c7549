import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "@jest/globals";
import createError from "http-errors";
import { z } from "zod";
import { keptLog } from "./logger.testing.js";
import { type AnswerContext, problem, sendProblem, toProblem, unavailable } from "./problem.js";

/** What a client gets when a handler fails with `error`. */
async function answerTo(error: unknown, ctx: Partial<AnswerContext> = {}, method = "GET") {
  const server = createServer((_req, res) => sendProblem(res, error, { instance: "/api/votes", ...ctx })).listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`, { method });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test("a problem goes out as RFC 9457 has it, with the request's id", async () => {
  const { status, headers, text } = await answerTo(problem(404, "There is no such project."), { requestId: "r1" });
  expect(status).toBe(404);
  expect(headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
  expect(JSON.parse(text)).toEqual({
    type: "about:blank",
    title: "Not Found",
    status: 404,
    detail: "There is no such project.",
    instance: "/api/votes",
    request_id: "r1",
  });
});

test("title, type, field errors and headers may be given", () => {
  const errors = [{ path: "vote_type", message: "is not one of up, down, none" }];
  const extra = { title: "Too many", type: "https://votesync.example/limit", errors, headers: { "Retry-After": "3" } };
  expect(toProblem(problem(429, "Wait a moment.", extra))).toEqual({
    status: 429,
    headers: { "Retry-After": "3" },
    body: { type: extra.type, title: "Too many", status: 429, detail: "Wait a moment.", errors },
  });
});

test("a failed schema is a 400 that names the fields, the first few of them", () => {
  const schema = z.object({ ids: z.array(z.number()), vote: z.object({ type: z.enum(["up", "down"]) }) });
  const { error } = schema.safeParse({ ids: Array(1_000).fill("x"), vote: { type: "sideways" } });
  const { status, body } = toProblem(error);
  expect(status).toBe(400);
  expect(body.errors).toHaveLength(20);
  expect(body.errors?.[0]?.path).toBe("ids.0");
});

test.each([
  ["a bug", new TypeError("secret insides")],
  ["a string", "secret insides"],
  ["nothing at all", undefined],
  ["an error that pretends to be a success", Object.assign(new Error("secret insides"), { status: 200 })],
  ["a library's server error", createError(502, "secret insides")],
])("%s is a 500 that shows nothing and is logged whole", async (_what, error) => {
  const { log, lines } = keptLog();
  const { status, text } = await answerTo(error, { log, requestId: "r2" });
  expect(status).toBe(500);
  expect(JSON.parse(text)).toMatchObject({
    title: "Internal Server Error",
    detail: "Something went wrong on our side.",
  });
  expect(text).not.toMatch(/secret|stack|at /);
  expect(lines).toMatchObject([{ level: 50, request_id: "r2", path: "/api/votes" }]);
});

test("what a library calls the caller's fault keeps its status but not its words", () => {
  const badPath = Object.assign(new URIError("Failed to decode param '%zz'"), { status: 400 });
  expect(toProblem(badPath)).toMatchObject({
    status: 400,
    body: { detail: "The request cannot be answered as it is." },
  });
  const noFile = createError(404, new Error("ENOENT: /srv/app/secret"), { expose: false });
  expect(JSON.stringify(toProblem(noFile))).not.toContain("/srv");
  expect(toProblem(noFile).status).toBe(404);
});

test("the body parser's errors get words of ours, and their type is no problem type", () => {
  const parse = createError(400, `Unexpected token 'h', "hunter2" is not valid JSON`, { type: "entity.parse.failed" });
  expect(toProblem(parse).body).toMatchObject({ type: "about:blank", detail: "The body is not valid JSON." });
  const large = createError(413, "request entity too large", { type: "entity.too.large" });
  expect(toProblem(large).body).toMatchObject({ status: 413, detail: "The body is too large." });
});

test("what the parser says of a broken compression is not passed on", () => {
  const zlib = createError(400, "incorrect header check", { code: "Z_DATA_ERROR" });
  expect(toProblem(zlib).body.detail).toBe("The request cannot be answered as it is.");
});

test("fields too many are named where their names are plain, and hidden where not", () => {
  const schema = z.strictObject({ inner: z.strictObject({}) });
  const { error } = schema.safeParse({ inner: { role: 1 }, count: 9, "<script>": 1 });
  expect(toProblem(error).body.errors).toEqual([
    { path: "inner.role", message: "is not known here" },
    { path: "", message: "holds names not known here" },
    { path: "count", message: "is not known here" },
  ]);
});

test("a dependency that is away is a 503 that says when to come back; its cause stays in the log", async () => {
  const { log, lines } = keptLog();
  const { status, headers, text } = await answerTo(unavailable("Try again.", new Error("10.0.0.7 refused")), { log });
  expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
  expect(text).not.toContain("10.0.0.7");
  expect(JSON.stringify(lines)).toContain("10.0.0.7 refused");
});

test("HEAD gets the headers alone", async () => {
  const { status, headers, text } = await answerTo(problem(404, "Nothing here."), {}, "HEAD");
  expect([status, text]).toEqual([404, ""]);
  expect(Number(headers.get("content-length"))).toBeGreaterThan(0);
});

test("an answer that already began is cut off, never mixed with a problem", async () => {
  const server = createServer((_req, res) => {
    res.writeHead(200, { "Content-Length": "100" }).write("half");
    sendProblem(res, new Error("late"), { instance: "/" });
  }).listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const read = fetch(`http://127.0.0.1:${port}/`).then((response) => response.text());
  await expect(read).rejects.toThrow();
  server.close();
});
