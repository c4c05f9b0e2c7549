import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { claimFile } from "./exclusive-file.js";
import { DataFolderInUseError } from "./process-record.js";

/**
 * One stack per data folder. `votesync.pid` holds the plain pid, for `kill $(cat …)`; what decides is a lock that also
 * knows when its holder started, so the pid of a dead stack given to another program blocks nobody.
 * @throws {DataFolderInUseError} while a live stack runs there
 */
export async function claimDataFolder(dataDir: string): Promise<{ release(): Promise<void> }> {
  await mkdir(join(dataDir, "run"), { recursive: true });
  const claim = await claimFile(join(dataDir, "run", "votesync.lock"));
  if ("heldBy" in claim) throw new DataFolderInUseError("votesync", dataDir, claim.heldBy);
  const pidPath = join(dataDir, "votesync.pid");
  await writeFile(pidPath, `${process.pid}\n`);
  return {
    release: async () => {
      await rm(pidPath, { force: true });
      await claim.release();
    },
  };
}
