import { Command } from "commander";
import { deadLettersCommand } from "./dead-letters-command.js";
import { rebuildCacheCommand } from "./rebuild-cache-command.js";
import { reconcileCommand } from "./reconcile-command.js";
import { recoverPostgresCommand } from "./recover-postgres-command.js";
import { replayCommand } from "./replay-command.js";
import { verifyCommand } from "./verify-command.js";

/** `votes …`: what an operator asks of, and does with, votes. */
export function votesCommand(): Command {
  return new Command("votes")
    .description("look after votes")
    .addCommand(verifyCommand())
    .addCommand(reconcileCommand())
    .addCommand(rebuildCacheCommand())
    .addCommand(recoverPostgresCommand())
    .addCommand(replayCommand())
    .addCommand(deadLettersCommand());
}
