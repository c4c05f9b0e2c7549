import { Command } from "commander";
import { deadLettersCommand } from "./dead-letters-command.js";

/** `votes …`: what an operator asks of, and does with, votes. */
export function votesCommand(): Command {
  return new Command("votes").description("look after votes").addCommand(deadLettersCommand());
}
