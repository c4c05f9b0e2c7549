import { userIdSchema } from "@votesync/core";
import { authConfigShape, DEVELOPMENT_SECRET, parseConfig, signToken } from "@votesync/service-kit";
import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";

const DEFAULT_HOURS = 24 * 30;

/** `token <user> [--admin]`: a token signed with `AUTH_JWT_SECRET`, or with what `pnpm start` uses without one. */
export function tokenCommand(): Command {
  return new Command("token")
    .description("print a token for a user")
    .argument("<user>", "user id: 1 to 255 printable characters", userId)
    .option("--admin", "a token for management calls", false)
    .option("--hours <n>", "how long it is valid", hours, DEFAULT_HOURS)
    .action(async (user: string, options: { admin: boolean; hours: number }) => {
      const env = { AUTH_JWT_SECRET: DEVELOPMENT_SECRET, ...process.env };
      const config = parseConfig(z.object(authConfigShape), env);
      const role = options.admin ? { role: "admin" as const } : {};
      const token = await signToken(config, { sub: user, ...role, expiresIn: options.hours * 3_600 });
      process.stdout.write(`${token}\n`);
    });
}

function userId(value: string): string {
  const parsed = userIdSchema.safeParse(value);
  if (!parsed.success) throw new InvalidArgumentError("A user id is 1 to 255 printable characters.");
  return parsed.data;
}

function hours(value: string): number {
  const parsed = z.coerce.number().positive().max(87_600).safeParse(value);
  if (!parsed.success) throw new InvalidArgumentError("A number of hours, up to ten years.");
  return parsed.data;
}
