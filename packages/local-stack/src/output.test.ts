import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { RotatingLog } from "./rotating-log.js";
import { createServiceLines } from "./service-lines.js";
import { withFolder } from "./testing.js";

function listening() {
  const printed: string[] = [];
  const clock = { ms: 0 };
  const print = (line: string) => void printed.push(line);
  const listener = createServiceLines({ name: "api", logPath: "logs/api.log", print, nowMs: () => clock.ms });
  return { printed, clock, listener };
}

const entry = (level: number, msg: string, more = {}) =>
  `${JSON.stringify({ level, time: 1, pid: 2, msg, ...more })}\n`;

describe("a service's output on the terminal", () => {
  test("is its warnings and errors, one line each, without what every line has", () => {
    const { printed, listener } = listening();
    listener(entry(30, "fine"), "stdout");
    listener(entry(40, "slow", { ms: 900 }), "stdout");
    listener(entry(50, "broken", { err: { type: "Error", message: "no way", stack: "…" } }), "stdout");
    listener("not json\n", "stdout");
    expect(printed).toEqual(["api: warn slow ms=900", 'api: error broken err="no way"']);
  });

  test("is everything it wrote to stderr", () => {
    const { printed, listener } = listening();
    listener("SyntaxError: what is this\n", "stderr");
    expect(printed).toEqual(["api: SyntaxError: what is this"]);
  });

  test("is put together from pieces", () => {
    const { printed, listener } = listening();
    for (const piece of entry(40, "in pieces")) listener(piece, "stdout");
    expect(printed).toEqual(["api: warn in pieces"]);
  });

  test("is cut off in a flood, and the rest counted", () => {
    const { printed, clock, listener } = listening();
    for (let n = 0; n < 50; n++) listener(entry(40, `warning ${n}`), "stdout");
    expect(printed).toHaveLength(10);
    clock.ms = 60_000;
    listener(entry(40, "later"), "stdout");
    expect(printed.slice(10)).toEqual(["api: … and 40 more, see logs/api.log", "api: warn later"]);
  });
});

describe("a log file", () => {
  test("keeps one older part and never grows far past its bound", () =>
    withFolder(async (folder) => {
      const path = join(folder, "logs", "api.log");
      const log = new RotatingLog(path, 100);
      for (let n = 0; n < 45; n++) log.write(`line ${String(n).padStart(4, "0")}\n`);
      log.close();
      log.write("after the end\n");
      expect((await stat(path)).size).toBeLessThanOrEqual(110);
      expect((await stat(`${path}.1`)).size).toBeLessThanOrEqual(110);
      expect(await readFile(path, "utf8")).toMatch(/line 0044\n$/);
    }));
});
