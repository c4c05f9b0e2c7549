/** Options that several commands share. */
import { entityIdSchema } from "@votesync/core";
import { type Command, InvalidArgumentError } from "commander";

export const withJson = (command: Command) => command.option("--json", "for scripts", false);

/** An option that may be given several times. */
export function projectId(value: string, earlier: string[] = []): string[] {
  if (!entityIdSchema.safeParse(value).success) throw new InvalidArgumentError("Not a project's id.");
  return [...earlier, value];
}

export function seconds(value: string): number {
  if (!/^\d{1,5}$/.test(value)) throw new InvalidArgumentError("A whole number of seconds, up to 99999.");
  return Number(value);
}
