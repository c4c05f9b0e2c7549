import { ProjectLoader } from "@votesync/reconcile";
import type { ProjectHold } from "@votesync/redis-store";

/** No worker applies anything while somebody waits in a step, so nobody waits. */
export class ImpatientLoader extends ProjectLoader {
  override load(projectId: string, hold: ProjectHold): Promise<boolean> {
    return super.load(projectId, hold, 0);
  }
}
