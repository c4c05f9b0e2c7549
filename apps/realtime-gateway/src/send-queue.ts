/** What waits in this process for a connection that takes data slowly. */
import { once } from "node:events";
import { withDeadline } from "@votesync/service-kit";
import type { EngineConnection } from "./sockets.js";

/** Packets the transport has not taken yet. engine.io documents the buffer but types it as private. */
export function queuedPackets(connection: EngineConnection): number {
  return (connection as unknown as { writeBuffer: unknown[] }).writeBuffer.length;
}

/** Resolves once the transport has taken everything. @throws {DeadlineExceededError} */
export async function drained(connection: EngineConnection, deadlineMs: number): Promise<void> {
  if (queuedPackets(connection) === 0) return;
  await withDeadline(
    (signal) => once(connection, "drain", { signal }),
    Math.max(1, deadlineMs),
    "taking earlier answers",
  );
}
