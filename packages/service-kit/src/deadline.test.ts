import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "@jest/globals";
import { DeadlineExceededError, withDeadline } from "./deadline.js";

const NEVER = new Promise<never>(() => undefined);

test("work that is done in time gives its result, or its own error", async () => {
  await expect(withDeadline(Promise.resolve(7), 1_000, "counting")).resolves.toBe(7);
  await expect(withDeadline(Promise.reject(new Error("broken")), 1_000, "counting")).rejects.toThrow("broken");
});

test("work that is late is given up, by name and time", async () => {
  const error: unknown = await withDeadline(NEVER, 5, "counting").catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DeadlineExceededError);
  expect(error).toMatchObject({ what: "counting", ms: 5 });
});

test("an answer that came while the process was too busy to look is taken", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as { port: number }).port, "127.0.0.1");
  const [answering] = (await once(server, "connection")) as [Socket];
  try {
    const answer = withDeadline(once(client, "data"), 5, "answering");
    answering.write("yes");
    for (const busyUntilMs = performance.now() + 50; performance.now() < busyUntilMs; );
    expect(String(await answer)).toBe("yes");
  } finally {
    for (const end of [answering, client]) end.destroy();
    server.close();
  }
});

test("work that takes the signal is told, and the caller hears of the deadline and not of what the work made of it", async () => {
  let aborted: Promise<unknown> = NEVER;
  const late = withDeadline(
    (signal) => {
      aborted = once(signal, "abort");
      return new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    },
    5,
    "counting",
  );
  await expect(late).rejects.toThrow(DeadlineExceededError);
  await aborted;
});

test("work that fails after its deadline disturbs nobody", async () => {
  let fail: (error: Error) => void = () => undefined;
  const work = new Promise<never>((_, reject) => {
    fail = reject;
  });
  await expect(withDeadline(work, 5, "counting")).rejects.toThrow(DeadlineExceededError);
  // An unhandled rejection would end the test run.
  fail(new Error("late failure"));
  await new Promise((resolve) => setImmediate(resolve));
});
