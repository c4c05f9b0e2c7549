import {
  type Comparison,
  isClean,
  ProjectLoader,
  Reconciler,
  type Stores,
  type VerifyReport,
  verify,
} from "@votesync/reconcile";
import { Command } from "commander";
import { redisReady, withStores } from "./open-stores.js";
import { projectId, seconds, withJson } from "./options.js";
import { createProgress } from "./progress.js";

interface Options {
  json: boolean;
  repair: boolean;
  project?: string[];
  timeout: number;
}

/** How many differences are printed one by one; `--json` has all of them. */
const PRINTED = 20;

/** `votes verify`: rows = counters = Redis = audit log = what was told, over a live system. */
export function verifyCommand(): Command {
  return withJson(new Command("verify"))
    .description("prove that all stores say the same; exit code 1 when they do not")
    .option("--repair", "set right what differs, then verify again", false)
    .option("--project <id>", "only this one; may be given again", projectId)
    .option("--timeout <s>", "how long to wait for votes that are on their way", seconds, 60)
    .action(async (o: Options) => {
      const report = await withStores("votesync verify", async (stores) => {
        await redisReady(stores);
        const found = await verifyAll(stores, o);
        if (!o.repair || isClean(found)) return found;
        await repair(stores, found);
        return verifyAll(stores, o);
      });
      if (o.json) process.stdout.write(`${JSON.stringify({ ok: isClean(report), ...report }, null, 2)}\n`);
      else print(report);
      if (!isClean(report)) process.exitCode = 1;
    });
}

async function verifyAll(stores: Stores, o: Options): Promise<VerifyReport> {
  const progress = createProgress("projects verified");
  try {
    return await verify(stores, { projectIds: o.project, timeoutMs: o.timeout * 1_000, onProgress: progress.at });
  } finally {
    progress.end();
  }
}

/** Counters follow the rows. Rows that the audit log does not say are for a person to judge. */
async function repair(stores: Stores, { counters, voters, told }: VerifyReport): Promise<void> {
  const loader = new ProjectLoader(stores);
  await new Reconciler(stores, loader).passProjects(counters.map((comparison) => comparison.projectId));
  const others = new Set([...voters.map((voter) => voter.projectId), ...told]);
  for (const { projectId: repaired } of counters) others.delete(repaired);
  for (const id of others) await loader.reload(id, "redis-drift");
}

function print(report: VerifyReport): void {
  const { counters, replay, told, voters, waiting } = report;
  console.table([
    { compared: "projects", looked_at: report.projects, wrong: new Set(counters.map((c) => c.projectId)).size },
    { compared: "rows against the audit log", looked_at: report.rows - report.older_than_log, wrong: replay.length },
    { compared: "votes in Redis against rows", looked_at: "", wrong: voters.length },
    { compared: "counters against what was told last", looked_at: "", wrong: told.length },
    { compared: "still on their way", looked_at: "", wrong: waiting.length },
  ]);
  if (report.older_than_log > 0) console.log(`${report.older_than_log} rows are older than the audit log`);
  if (counters.length > 0) console.table(counters.slice(0, PRINTED).map(counterLine));
  if (voters.length > 0) console.table(voters.slice(0, PRINTED));
  if (replay.length > 0) console.table(replay.slice(0, PRINTED));
  for (const id of told.slice(0, PRINTED)) console.log(`${id}: watchers were told other counters`);
  for (const { projectId: id, verdict } of waiting.slice(0, PRINTED)) console.log(`${id}: ${verdict}`);
  console.log(isClean(report) ? "all stores say the same" : "NOT the same everywhere");
}

const said = (counts: Comparison["redis"]) => (counts === null ? "" : `+${counts.upvotes} -${counts.downvotes}`);

const counterLine = ({ projectId: project, redis, postgres, rows }: Comparison) => ({
  project,
  rows: said(rows),
  projects: said(postgres),
  redis: said(redis),
});
