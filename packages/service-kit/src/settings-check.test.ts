import { expect, test } from "@jest/globals";
import { SettingsDisagreementError } from "@votesync/core";
import { describeServiceContract } from "./contract.js";
import { keptLog } from "./logger.testing.js";
import { createSettingsCheck } from "./settings-check.js";

const differs = new SettingsDisagreementError([{ name: "POINTS_UP", given: 1, inForce: 2 }]);
const disagreement = new Promise<SettingsDisagreementError>(() => undefined);

function check(reach: () => Promise<boolean>) {
  return createSettingsCheck({ reach, disagreement, log: keptLog().log });
}

describeServiceContract("settings check", () => check(async () => true));
describeServiceContract("settings check without PostgreSQL", () => check(() => Promise.reject(new Error("away"))));

test("a start with other settings than those in force fails", async () => {
  await expect(check(() => Promise.reject(differs)).start()).rejects.toBe(differs);
});

test("while nobody answers the start succeeds, and it is asked again until somebody does", async () => {
  const answers = ["away", "unmigrated", "agreed"];
  let reached: () => void;
  const done = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const service = check(async () => {
    const answer = answers.shift();
    if (answer === "away") throw new Error("away");
    if (answer === "agreed") reached();
    return answer === "agreed";
  });
  await service.start();
  await done;
  await service.stop();
  expect(answers).toEqual([]);
});
