import { rm } from "node:fs/promises";

export default async function tearDown(): Promise<void> {
  const servers = globalThis.votesyncTestServers;
  await servers?.stop();
  if (servers !== undefined) await rm(servers.dataDir, { recursive: true, force: true });
}
