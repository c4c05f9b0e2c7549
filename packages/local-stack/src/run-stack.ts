import type { StackPlan } from "./services.js";
import { readStackConfig, type StackConfig } from "./stack-config.js";
import { type RunningServer, type Stack, startStack } from "./start-stack.js";
import { StopSignals } from "./stop-signals.js";
import { createTerminal, type Terminal } from "./terminal.js";

/**
 * Runs a stack until a signal, then exits: 0 after an orderly stop, also of a start under way; 1 when it cannot start.
 * Whatever happens, what was begun is undone first.
 */
export async function runStack(o: {
  repoRoot: string;
  env: NodeJS.ProcessEnv;
  plan: StackPlan;
  output: NodeJS.WritableStream;
}): Promise<never> {
  const terminal = createTerminal(o.output);
  const signals = new StopSignals(terminal);
  try {
    const stack = await startUnlessStopped(o, terminal, signals);
    await signals.first;
    if (stack !== null) {
      terminal.line("stopping the services, then the servers …");
      await stack.stop();
    }
    terminal.line("stopped");
  } catch (error) {
    terminal.line(`! ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  }
  process.exit(0);
}

/** @returns null when a signal came before it was ready */
async function startUnlessStopped(
  o: { repoRoot: string; env: NodeJS.ProcessEnv; plan: StackPlan },
  terminal: Terminal,
  signals: StopSignals,
): Promise<Stack | null> {
  const startedAt = Date.now();
  try {
    const config = readStackConfig(o.repoRoot, o.env, o.plan);
    const stack = await startStack({ config, plan: o.plan, terminal, signal: signals.aborted });
    printReady({ config, plan: o.plan, terminal, servers: stack.servers, tookMs: Date.now() - startedAt });
    return stack;
  } catch (error) {
    if (signals.aborted.aborted) return null;
    throw error;
  }
}

function printReady(o: {
  config: StackConfig;
  plan: StackPlan;
  terminal: Terminal;
  servers: RunningServer[];
  tookMs: number;
}): void {
  const { config, terminal } = o;
  const rows = [
    ...o.plan.services.flatMap(({ label, portVariable }) =>
      label === undefined ? [] : [[label, `http://localhost:${config.servicePorts[portVariable]}`]],
    ),
    ...o.servers.map((one) => [
      one.variable,
      `${one.isGiven ? withoutPassword(one.url) : one.url}  ${one.description}`,
    ]),
    ["data and logs", config.dataDir],
  ];
  terminal.line(`\nvotesync is ready after ${(o.tookMs / 1_000).toFixed(1)} s`);
  for (const [label = "", value] of rows) terminal.line(`  ${label.padEnd(16)} ${value}`);
  if (config.usesDevelopmentSecret) {
    terminal.log.warn({}, "AUTH_JWT_SECRET is not set: tokens are signed with the development secret, which everybody");
    terminal.log.warn({}, "knows. Good for trying on this machine, and nothing else.");
  }
  terminal.line(`Stop it with Ctrl-C, or: kill ${process.pid}\n`);
}

function withoutPassword(url: string): string {
  return url.replace(/(\/\/[^/@:]*):[^/@]*@/, "$1:***@");
}
