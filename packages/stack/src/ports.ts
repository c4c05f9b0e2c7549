import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { StackError } from "./log.js";

/** A port nobody listens on right now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function isTaken(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port);
    await once(server, "listening");
    return false;
  } catch {
    return true;
  } finally {
    server.close();
  }
}

/** @throws {StackError} naming what holds a port and what to set instead */
export async function assertPortsFree(ports: { name: string; port: number; variable: string }[]): Promise<void> {
  const taken: string[] = [];
  for (const { name, port, variable } of ports) {
    if (await isTaken(port)) taken.push(`port ${port} for ${name} (${variable})`);
  }
  if (taken.length === 0) return;
  throw new StackError(
    `something else listens on ${taken.join(", ")}.\n` +
      "End it, set the variable to another port, or move all ports: PORT_OFFSET=100 npx -y pnpm@12 start",
  );
}
