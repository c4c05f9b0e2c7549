/**
 * Which projects got votes, folded: every two seconds one job tells of all of them, so that a storm of votes makes tens of
 * jobs and not thousands.
 *
 * What is remembered here is a hint. Ids stay while Redis is away or nobody does jobs, and go with a later one; those of a killed worker, and
 * those beyond the bound, are found by the sweep.
 */
import { type JobQueue, MAX_PROJECTS_PER_JOB, votesAppliedJob } from "@votesync/jobs";
import { createLoop, type Logger, type Loop } from "@votesync/service-kit";

const FOLD_MS = 2_000;
const MAX_REMEMBERED = 10_000;
/** While so many jobs wait nobody does them, and more would only fill Redis. */
const MAX_WAITING_JOBS = 100;

export class TouchedProjects {
  private readonly ids = new Set<string>();

  constructor(
    private readonly queue: JobQueue,
    private readonly max: number = MAX_REMEMBERED,
  ) {}

  remember(projectIds: Iterable<string>): void {
    for (const id of projectIds) {
      if (this.ids.size >= this.max) return;
      this.ids.add(id);
    }
  }

  /** Adds at most one job. @returns whether projects are left for another */
  async tell(): Promise<boolean> {
    const projectIds = [...this.ids].slice(0, MAX_PROJECTS_PER_JOB);
    if (projectIds.length === 0 || (await this.queue.counts()).waiting >= MAX_WAITING_JOBS) return false;
    // Forgotten first: votes that come while the job is being added must be told again.
    for (const id of projectIds) this.ids.delete(id);
    try {
      await this.queue.add(votesAppliedJob, { projectIds });
    } catch (error) {
      this.remember(projectIds);
      throw error;
    }
    return this.ids.size > 0;
  }

  /** Tells every two seconds, and once more when it stops. */
  loop(log: Logger): Loop {
    const loop = createLoop({ name: "tell-touched-projects", runOnce: () => this.tell(), idleMs: FOLD_MS, log });
    return {
      ...loop,
      stop: async () => {
        await loop.stop();
        await this.tell().catch((error: unknown) => log.warn({ err: error }, "touched projects were not told"));
      },
    };
  }
}
