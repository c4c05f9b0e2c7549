import { Command } from "commander";
import { finalizeCommand } from "./finalize-command.js";
import { healthCommand } from "./launch-health-command.js";
import { recoverCommand } from "./recover-command.js";
import { sealCommand } from "./seal-command.js";

/** `launch …`: what an operator asks of, and does with, launch days. */
export function launchCommand(): Command {
  return new Command("launch")
    .description("look after launch days")
    .addCommand(finalizeCommand())
    .addCommand(recoverCommand())
    .addCommand(healthCommand())
    .addCommand(sealCommand());
}
