/**
 * Leaves nothing behind when the supervisor is killed with -9: a small process that holds a pipe to it and knows every
 * pid it started. When the pipe closes, it ends them all and then itself. Lines it reads: `+<pid> <signal>`, `-<pid>`.
 */
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { signalProcess } from "./running-processes.js";

const GRACE_MS = 8_000;
const POLL_MS = 100;

const signals = new Map<number, NodeJS.Signals>();

for await (const line of createInterface({ input: process.stdin })) {
  const [pid, signal] = line.slice(1).split(" ");
  if (line.startsWith("+")) signals.set(Number(pid), signal as NodeJS.Signals);
  else signals.delete(Number(pid));
}

for (const [pid, signal] of signals) signalProcess(pid, signal);
for (let waited = 0; waited < GRACE_MS && signals.size > 0; waited += POLL_MS) {
  await delay(POLL_MS);
  for (const pid of signals.keys()) if (!isAlive(pid)) signals.delete(pid);
}
for (const pid of signals.keys()) signalProcess(pid, "SIGKILL");

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
