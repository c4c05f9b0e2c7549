import { createLeaderboardsCheck, leaderboardConfigShape } from "@votesync/leaderboard";
import { countProjects } from "@votesync/postgres-store";
import {
  type Check,
  type DifferingProjects,
  isClean,
  ProjectLoader,
  Reconciler,
  type Stores,
  type VerifyReport,
  verify,
} from "@votesync/reconcile";
import { parseConfig } from "@votesync/service-kit";
import { Command } from "commander";
import { z } from "zod";
import { redisReady, withStores } from "./open-stores.js";
import { projectId, seconds, withJson } from "./options.js";
import { printReport } from "./print-verify.js";
import { createVerifyProgress, SILENT } from "./verify-progress.js";

interface Options {
  json: boolean;
  progress: boolean;
  repair: boolean;
  project?: string[];
  timeout: number;
}

type Repair = (differing: DifferingProjects) => Promise<void>;

/** `votes verify`: rows = counters = Redis = audit log = what was told, over a live system, and events become rows. */
export function verifyCommand(): Command {
  return withJson(new Command("verify"))
    .description("prove that all stores say the same; exit code 1 when they do not")
    .option("--repair", "set right what differs, then verify again", false)
    .option("--project <id>", "only this one; may be given again", projectId)
    .option("--timeout <s>", "how long to wait for votes that are on their way", seconds, 60)
    .option("--progress", "say on stderr how far it is, with --json too", false)
    .action(async (o: Options) => {
      const report = await withStores("votesync verify", async (stores, env) => {
        await redisReady(stores);
        const checks = [leaderboardsCheck(env)];
        if (!o.repair) return verifyAll(stores, o, checks);
        const found = await verifyAll(stores, o, checks, repairing(stores));
        return isClean(found) ? found : verifyAll(stores, o, checks);
      });
      print(report, o);
      if (!isClean(report)) process.exitCode = 1;
    });
}

const configSchema = z.object(leaderboardConfigShape);

function leaderboardsCheck(env: NodeJS.ProcessEnv): Check {
  const config = parseConfig(configSchema, env);
  const points = { up: config.POINTS_UP, down: config.POINTS_DOWN, none: 0 };
  return createLeaderboardsCheck({ zone: config.LEADERBOARD_TIMEZONE, points, nowMs: Date.now });
}

async function verifyAll(
  stores: Stores,
  o: Options,
  checks: readonly Check[],
  onDiffering?: Repair,
): Promise<VerifyReport> {
  const isQuiet = o.json && !o.progress;
  const progress = isQuiet ? SILENT : createVerifyProgress(o.project?.length ?? (await countProjects(stores.pool)));
  try {
    const timeoutMs = o.timeout * 1_000;
    return await verify(stores, { projectIds: o.project, timeoutMs, checks, onProgress: progress.at, onDiffering });
  } finally {
    progress.end();
  }
}

/** Counters follow the rows. Rows that the audit log does not say are for a person to judge. */
function repairing(stores: Stores): Repair {
  const loader = new ProjectLoader(stores);
  const reconciler = new Reconciler(stores, loader);
  return async ({ counters, redis }) => {
    await reconciler.passProjects(counters);
    for (const id of redis) await loader.reload(id, "redis-drift");
  };
}

function print(report: VerifyReport, { json }: Options): void {
  const ok = isClean(report);
  const peakRssMb = Math.ceil(process.resourceUsage().maxRSS / 1_024);
  if (json) {
    const verdict = ok ? "same" : "different";
    process.stdout.write(`${JSON.stringify({ ok, verdict, ...report, peak_rss_mb: peakRssMb }, null, 2)}\n`);
    return;
  }
  printReport(report);
  process.stderr.write(`memory at most ${peakRssMb} MB\n`);
}
