/**
 * Bounds per address and per connection, which socket.io does not have: measured, it answers a thousand namespace
 * requests, a flood of pongs, or a thousand sockets from one address without end.
 */
import type { EngineConnection } from "./sockets.js";

/** Counts connections by address. */
export class AddressLimit {
  private readonly open = new Map<string, number>();

  constructor(private readonly max: number) {}

  hasRoom(address: string): boolean {
    return (this.open.get(address) ?? 0) < this.max;
  }

  add(address: string): void {
    this.open.set(address, (this.open.get(address) ?? 0) + 1);
  }

  remove(address: string): void {
    const left = (this.open.get(address) ?? 0) - 1;
    if (left > 0) this.open.set(address, left);
    else this.open.delete(address);
  }
}

/** A page may bring up many components at once, each with a call of its own. */
const BURST_SECONDS = 5;

/**
 * Closes a connection that sends more than `perSecond` packets for long. All packets count, pongs and connects to
 * namespaces too.
 */
export function limitPackets(
  connection: EngineConnection,
  o: { perSecond: number; nowMs: () => number; onFlood: () => void },
): void {
  const burst = o.perSecond * BURST_SECONDS;
  let allowed = burst;
  let countedAtMs = o.nowMs();
  connection.on("packet", () => {
    const nowMs = o.nowMs();
    allowed = Math.min(burst, allowed + ((nowMs - countedAtMs) / 1_000) * o.perSecond) - 1;
    countedAtMs = nowMs;
    if (allowed >= 0) return;
    o.onFlood();
    connection.close(true);
  });
}
