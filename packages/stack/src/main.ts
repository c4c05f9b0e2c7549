import { join, resolve } from "node:path";
import { z } from "zod";
import { StackError } from "./log.js";
import { REPOSITORY, usesDevelopmentSecret } from "./services.js";
import { type RunningStack, startStack } from "./stack.js";

const show = (line: string) => process.stdout.write(`${line}\n`);
const say = (info: object, message: string) => {
  show(Object.keys(info).length === 0 ? message : `${message} ${JSON.stringify(info)}`);
};
const dataDir = resolve(REPOSITORY, process.env.DATA_DIR || ".data");

let signals = 0;
let stopRequested: () => void;
const stopSignal = new Promise<void>((resolve) => {
  stopRequested = resolve;
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // The second one means it: the guardian ends what is still running.
    if (++signals > 1) process.exit(1);
    stopRequested();
  });
}

try {
  if (usesDevelopmentSecret(process.env)) {
    show("!! Tokens are signed with the development secret, which everybody knows. Never run it like this for others.");
  }
  const stack = await startStack({ dataDir, env: process.env, log: { info: say, warn: say }, show });
  announce(stack);
  await stopSignal;
  show("stopping …");
  await stack.stop();
  show("stopped");
  process.exit(0);
} catch (error) {
  const expected = error instanceof StackError || error instanceof z.ZodError;
  process.stderr.write(`\nvotesync cannot start.\n${expected ? wordsOf(error) : (error as Error).stack}\n`);
  process.exit(1);
}

function wordsOf(error: StackError | z.ZodError): string {
  return error instanceof StackError ? error.message : z.prettifyError(error);
}

function announce({ ports, servers }: RunningStack): void {
  const api = `http://localhost:${ports.VOTE_API_PORT}`;
  show(
    [
      "",
      ...servers.descriptions.map((line) => `  ${line}`),
      "",
      `  votesync is ready   ${api}`,
      `  the API             ${api}/docs`,
      `  live counts         http://localhost:${ports.REALTIME_PORT}/socket.io`,
      `  is everything well  ${api}/statusz`,
      `  logs                ${join(dataDir, "logs")}`,
      "",
      "  Ctrl-C stops everything; data stay.",
      "",
    ].join("\n"),
  );
}
