/**
 * The contract of a `Service` as tests, the same for every package that has one:
 *
 *     import { describeServiceContract } from "@votesync/service-kit/contract";
 *     describeServiceContract("shard loop", () => new ShardLoop(…));
 *
 * Only for Jest: it is apart from the package's main entry so that no service loads test code.
 */
import { describe, expect, test } from "@jest/globals";
import type { Service } from "./service.js";

/** A service whose start fails, and how to see that nothing of the attempt is left. */
export interface FailingStart {
  service: Service;
  /** Fails the test when something is still open. */
  expectNothingLeft(): Promise<void>;
}

/**
 * @param make a fresh service, able to start
 * @param makeFailing the same unable to start; for services whose start can fail
 */
export function describeServiceContract(
  name: string,
  make: () => Service | Promise<Service>,
  makeFailing?: () => Promise<FailingStart>,
): void {
  describe(`${name} is a service`, () => {
    test("stopping it before it started is safe", async () => {
      const service = await make();
      await service.stop();
    });

    test("it stops after it started, and stopping again is safe", async () => {
      const service = await make();
      await service.start();
      await service.stop();
      await service.stop();
    });

    test("two stops at the same time both end", async () => {
      const service = await make();
      await service.start();
      await Promise.all([service.stop(), service.stop()]);
    });

    if (makeFailing === undefined) return;
    test("a start that fails says so and leaves nothing open", async () => {
      const failing = await makeFailing();
      await expect(failing.service.start()).rejects.toThrow();
      await failing.expectNothingLeft();
      await failing.service.stop();
    });
  });
}
