/** Options that several commands share. */
import { entityIdSchema, launchDateSchema } from "@votesync/core";
import { type Command, InvalidArgumentError } from "commander";

export const withJson = (command: Command) => command.option("--json", "for scripts", false);

/** Options that may be given several times. */
const ids =
  (what: string) =>
  (value: string, earlier: string[] = []): string[] => {
    if (!entityIdSchema.safeParse(value).success) throw new InvalidArgumentError(`Not ${what} id.`);
    return [...earlier, value];
  };
export const projectId = ids("a project's");
export const appId = ids("an app's");

export function seconds(value: string): number {
  if (!/^\d{1,5}$/.test(value)) throw new InvalidArgumentError("A whole number of seconds, up to 99999.");
  return Number(value);
}

export function launchDate(value: string): string {
  if (!launchDateSchema.safeParse(value).success) throw new InvalidArgumentError("A date, as in 2024-12-31.");
  return value;
}
