import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

/** What a process that runs `statements` with a logger writes to stdout. */
function linesOf(statements: string): Record<string, unknown>[] {
  const source = `
    import { createLogger } from "@votesync/service-kit";
    const log = createLogger({ service: "test", level: "info" });
    ${statements}`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", source], { cwd: PACKAGE });
  const lines = stdout.toString().trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("a line is JSON and names its service and an ISO time; below the level there is none", () => {
  expect(linesOf(`log.debug("unseen"); log.info({ port: 3000 }, "listening");`)).toMatchObject([
    { service: "test", msg: "listening", port: 3000, time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) },
  ]);
});

test("tokens and other secrets are not logged, at the top, one level down or as request headers", () => {
  const statements = `
    const secret = "hunter2";
    log.info({ token: secret, authorization: secret, password: secret }, "top");
    log.info({ auth: { token: secret }, user: { cookie: secret } }, "one down");
    log.info({ req: { headers: { authorization: secret, cookie: secret } } }, "headers");
    log.error({ err: Object.assign(new Error("failed"), { token: secret }) }, "on an error");`;
  const lines = linesOf(statements);
  expect(lines).toHaveLength(4);
  expect(JSON.stringify(lines)).not.toContain("hunter2");
});
