/** Which board is read when, and who is told: with readings that a test can hold back or let fail. */
import { expect, test } from "@jest/globals";
import { boardRoom, type JamState } from "@votesync/core";
import { BoardTail } from "./board-tail.js";

const jam = (jamId: string, version: number, votes: number) => {
  const stream = { id: `${jamId}:a`, title: "A", url: null, upvotes: votes, downvotes: 0, votes, version };
  const state: JamState = { jamId, version, activeStream: null, streams: [stream] };
  return { structure: 1, state, degraded: new Set<string>() };
};
type Read = ReturnType<typeof jam>;

class Target {
  nowMs = 0;
  readonly told: number[] = [];
  readonly reads: string[] = [];
  readonly tail: BoardTail;

  constructor(read: (boardId: string) => Promise<Read>) {
    this.tail = new BoardTail({
      read: (boardId) => {
        this.reads.push(boardId);
        return read(boardId);
      },
      put: async () => undefined,
      votes: { watch: () => undefined, unwatch: () => undefined, open: async () => undefined },
      tell: (_room, { body }) => this.told.push(body.version),
      nowMs: () => this.nowMs,
    });
  }
}

test("what was read for watchers who left is not told to those who came since and know better", async () => {
  let readOld: (read: Read) => void = () => undefined;
  const old = new Promise<Read>((resolve) => {
    readOld = resolve;
  });
  let next = old;
  const { tail, told } = new Target(() => next);
  tail.watch(boardRoom("jam"));
  tail.changed("jam");
  const pass = tail.pass();
  tail.unwatch(boardRoom("jam"));
  tail.watch(boardRoom("jam"));
  next = Promise.resolve(jam("jam", 2, 2));
  expect(await tail.current("jam")).toMatchObject({ version: 2 });
  readOld(jam("jam", 1, 1));
  await pass;
  expect(told).toEqual([]);
});

test("boards that cannot be read keep no other from its turn", async () => {
  const target = new Target(async (id) => {
    if (id !== "good") throw new Error("away");
    return jam(id, 1, 1);
  });
  const { tail } = target;
  const ids = [...Array.from({ length: 20 }, (_, i) => `bad ${i}`), "good"];
  for (const id of ids) tail.watch(boardRoom(id));
  for (const id of ids) tail.changed(id);
  await expect(tail.pass()).rejects.toThrow("away");
  expect(target.reads).not.toContain("good");
  expect(await tail.pass()).toBe(false);
  expect(target.reads.at(-1)).toBe("good");
  expect(target.told).toEqual([1, 1]);
  // They are tried again, after a pause.
  target.nowMs += 100;
  await expect(tail.pass()).rejects.toThrow("away");
});
