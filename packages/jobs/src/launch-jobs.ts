/** The jobs of the queue `launches`. How far a day has come stands in MongoDB; these only set somebody to work. */
import { launchDateSchema, QUEUES } from "@votesync/core";
import { z } from "zod";
import { declareJob } from "./job.js";

const schema = z.object({ date: launchDateSchema });

/** Goes on with the end of a day where it stands. Failed for good, the next look at open days adds it again. */
export const finalizeJob = declareJob({ queue: QUEUES.launches, name: "finalize", schema, attempts: 3 });

/** Lets the source of the votes go of them: tried for some minutes, then again when somebody looks after it. */
export const flushJob = declareJob({ queue: QUEUES.launches, name: "flush", schema, attempts: 8 });

/** At most one of a kind and a day waits or runs. */
export const onceADay = (kind: { name: string }, date: string) => ({ deduplicationId: `${kind.name} ${date}` });
