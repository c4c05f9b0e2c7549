import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below 32,768, where Linux takes the ports of outgoing connections from: one of those could take ours meanwhile. */
const LOWEST = 15_000;
const HIGHEST = 32_000;
const ATTEMPTS = 200;

const handedOut = new Set<number>();

/** A port nobody listens on; the same process is never given it twice. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (handedOut.has(port) || (await isPortTaken(port))) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error(`no free port found between ${LOWEST} and ${HIGHEST}`);
}

/** Whether somebody listens on this port, on the loopback address or on all of them. */
export async function isPortTaken(port: number): Promise<boolean> {
  return (await cannotListen(port, "127.0.0.1")) || (await cannotListen(port, undefined));
}

function cannotListen(port: number, host: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE"));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(false)));
  });
}

/** Somebody else listens where one of ours wants to. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
  constructor(
    readonly port: number,
    what: string,
    variable: string,
  ) {
    super(
      `port ${port}, wanted for ${what}, is taken by another program: ` +
        `set ${variable} to a free port, or PORT_OFFSET to move all ports`,
    );
  }
}

/** @throws {PortTakenError} */
export async function assertPortFree(port: number, what: string, variable: string): Promise<void> {
  if (await isPortTaken(port)) throw new PortTakenError(port, what, variable);
}
