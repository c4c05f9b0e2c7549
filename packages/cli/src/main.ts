#!/usr/bin/env node
/** The `votesync` command line. Exit codes: 0 done, 1 failed, 2 misused. */
import { Command, CommanderError } from "commander";
import { launchCommand } from "./launch-command.js";
import { migrateCommand } from "./migrate-command.js";
import { seedCommand } from "./seed-command.js";
import { settingsCommand } from "./settings-command.js";
import { describeStackAddresses, type StackAddresses, useStackAddresses } from "./stack-addresses.js";
import { syncCommand } from "./sync-command.js";
import { tokenCommand } from "./token-command.js";
import { votesCommand } from "./votes-command.js";

const program = new Command("votesync")
  .description("Operates a votesync installation.")
  .addCommand(tokenCommand())
  .addCommand(migrateCommand())
  .addCommand(seedCommand())
  .addCommand(votesCommand())
  .addCommand(launchCommand())
  .addCommand(syncCommand())
  .addCommand(settingsCommand());
overrideExit(program);
sayServers(useStackAddresses(process.env));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    process.stderr.write(`votesync: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
// The migration engine leaves a timer of ten seconds running; nobody should wait for it.
process.exit();

/** Whose servers a command talks to is no secret, and no guess. A token needs none. */
function sayServers(stack: StackAddresses): void {
  const servers = describeStackAddresses(stack);
  if (servers === null) return;
  program.hook("preAction", (_program, command) => {
    if (command.name() !== "token") process.stderr.write(`votesync: ${servers}\n`);
  });
}

/** Commander would exit by itself, with its own codes; commands that were added do not inherit that it must not. */
function overrideExit(command: Command): void {
  command.exitOverride();
  command.commands.forEach(overrideExit);
}
