import { expect, test } from "@jest/globals";
import { describeServiceContract } from "./contract.js";
import { keptLog } from "./logger.testing.js";
import { closing, type Service, ServiceGroup, startAll } from "./service.js";

/** Services that write down what happens to them. */
function recorder() {
  const events: string[] = [];
  const service = (name: string, faults: { start?: Error; stop?: Error } = {}): Service => ({
    name,
    start: async () => {
      events.push(`start ${name}`);
      if (faults.start !== undefined) throw faults.start;
    },
    stop: async () => {
      events.push(`stop ${name}`);
      if (faults.stop !== undefined) throw faults.stop;
    },
  });
  return { events, service };
}

test("services start in order and stop in reverse, once, however often they are told", async () => {
  const { events, service } = recorder();
  const running = await startAll([service("store"), service("http")], keptLog().log);
  await Promise.all([running.stop(), running.stop()]);
  await running.stop();
  expect(events).toEqual(["start store", "start http", "stop http", "stop store"]);
});

test("a failed start stops what was started before it, and its error comes out", async () => {
  const { events, service } = recorder();
  const services = [service("store"), service("http", { start: new Error("port taken") }), service("loop")];
  await expect(startAll(services, keptLog().log)).rejects.toThrow("port taken");
  expect(events).toEqual(["start store", "start http", "stop store"]);
});

test("a service that cannot stop does not keep the others from stopping", async () => {
  const { events, service } = recorder();
  const { log, lines } = keptLog();
  const running = await startAll([service("store"), service("http", { stop: new Error("stuck") })], log);
  await running.stop();
  expect(events.slice(2)).toEqual(["stop http", "stop store"]);
  expect(lines).toMatchObject([{ stopping: "http", err: { message: "stuck" } }]);
});

test("a stop during the start waits for the service that is starting, and starts no more", async () => {
  const { events, service } = recorder();
  let letGo: () => void = () => undefined;
  const slow: Service = {
    ...service("slow"),
    start: () =>
      new Promise<void>((resolve) => {
        letGo = resolve;
      }),
  };
  const group = new ServiceGroup([slow, service("http")], keptLog().log);
  const starting = group.start();
  const stopping = group.stop();
  expect(group.currentStep).toBe("starting slow");
  letGo();
  await Promise.all([starting, stopping]);
  expect(events).toEqual(["stop slow"]);
});

describeServiceContract("a connection that only closes", () => closing("store", async () => undefined));
