/** `sync …`: the sync of leaderboards, with the same words as `/api/periodic-sync/…`. The work is done here, on the stores themselves. */
import { LEADERBOARD_PERIODS, type LeaderboardPeriod } from "@votesync/core";
import {
  checkSyncHealth,
  leaderboardConfigShape,
  type RestoreDeps,
  restoreBoards,
  runSync,
  type SyncDeps,
  undoSync,
} from "@votesync/leaderboard";
import { findRunningSync, listSyncRuns, readSyncState, setSyncEnabled } from "@votesync/postgres-store";
import type { Stores } from "@votesync/reconcile";
import { parseConfig } from "@votesync/service-kit";
import { Command, InvalidArgumentError } from "commander";
import { v4 as uuidv4 } from "uuid";
import { z } from "zod";
import { redisReady, withStores } from "./open-stores.js";
import { withJson } from "./options.js";
import { testSync } from "./test-sync.js";

interface Output {
  json: boolean;
}

interface RunOptions extends Output {
  dryRun: boolean;
  full: boolean;
  force: boolean;
  period?: LeaderboardPeriod[];
}

const configSchema = z.object(leaderboardConfigShape);

export function syncCommand(): Command {
  return new Command("sync")
    .description("leaderboards from Redis to PostgreSQL")
    .addCommand(steerCommand("start", "let it run by itself", true))
    .addCommand(steerCommand("stop", "keep it from running by itself; it stays so over restarts", false))
    .addCommand(statusCommand())
    .addCommand(runCommand())
    .addCommand(testCommand())
    .addCommand(restoreCommand())
    .addCommand(undoCommand());
}

const withSync = <T>(work: (stores: Stores, env: NodeJS.ProcessEnv) => Promise<T>) =>
  withStores("votesync sync", async (stores, env) => {
    await redisReady(stores);
    return work(stores, env);
  });

function steerCommand(name: string, description: string, enabled: boolean): Command {
  return withJson(new Command(name))
    .description(description)
    .action(async ({ json }: Output) => {
      await withStores("votesync sync", ({ pool }) => setSyncEnabled(pool, enabled));
      print({ enabled }, json, enabled ? "the sync runs by itself" : "the sync is stopped");
    });
}

function statusCommand(): Command {
  return withJson(new Command("status"))
    .description("whether it runs, when it does next, and what is wrong; exit code 1 when something is")
    .action(async ({ json }: Output) => {
      const found = await withSync(async (stores) => ({
        state: await readSyncState(stores.pool),
        running: await findRunningSync(stores.pool),
        runs: await listSyncRuns(stores.pool, 5),
        health: await checkSyncHealth(stores, Date.now()),
      }));
      const { state, health, runs } = found;
      const next = state.nextRunAt?.toISOString() ?? "when a scheduler runs";
      print(found, json, state.enabled ? `runs by itself, next ${next}` : "stopped");
      if (!json) {
        for (const run of runs) console.log(`${run.startedAt.toISOString()}  ${run.trigger}  ${run.status}  ${run.id}`);
        for (const [i, issue] of health.issues.entries()) console.log(`\n${issue}\n  ${health.recommendations[i]}`);
      }
      if (health.status !== "healthy") process.exitCode = 1;
    });
}

function runCommand(): Command {
  return withJson(new Command("run"))
    .description("sync now")
    .option("--dry-run", "say what would be done, and write nothing", false)
    .option("--full", "look at everybody, not only at who changed", false)
    .option("--force", "delete however much there is to delete", false)
    .option("--period <name>", "only this one; may be given again", period)
    .action(async ({ json, period: periods, ...o }: RunOptions) => {
      const report = await withSync((stores, env) => {
        const options = { runId: uuidv4(), trigger: "manual" as const, ...o };
        return runSync(depsOf(stores, env), { ...options, periods: periods ?? LEADERBOARD_PERIODS });
      });
      const { created, updated, deleted, unchanged, errors } = report;
      print(report, json, `${created} created, ${updated} updated, ${deleted} deleted, ${unchanged} unchanged`);
      if (!json) for (const { user_id, error } of errors) console.log(`${user_id}: ${error}`);
      if (errors.length > 0) process.exitCode = 1;
    });
}

function testCommand(): Command {
  return withJson(new Command("test"))
    .description("prove create, update and delete on a throw-away user, and clean up")
    .action(async ({ json }: Output) => {
      const steps = await withSync((stores, env) => testSync(depsOf(stores, env)));
      const failed = steps.filter(({ ok }) => !ok);
      print(
        { ok: failed.length === 0, steps },
        json,
        steps.map(({ step, ok }) => `${step}: ${ok ? "ok" : "FAILED"}`).join("\n"),
      );
      if (failed.length > 0) process.exitCode = 1;
    });
}

function restoreCommand(): Command {
  return withJson(new Command("restore"))
    .description("bring the boards back from PostgreSQL after Redis lost them")
    .action(async ({ json }: Output) => {
      const report = await withSync((stores, env) => restoreBoards(depsOf(stores, env), uuidv4()));
      print(report, json, `${report.restored} entries of ${report.boards.length} boards counted anew`);
    });
}

function undoCommand(): Command {
  return withJson(new Command("undo"))
    .description("put the rows that a run updated or deleted back")
    .argument("<run>", "its id", parseRunId)
    .action(async (runId: string, { json }: Output) => {
      const report = await withStores("votesync sync", (stores) => undoSync(stores, { runId, undoId: uuidv4() }));
      print(report, json, `${report.undone} rows put back`);
    });
}

function parseRunId(value: string): string {
  if (!z.uuid().safeParse(value).success)
    throw new InvalidArgumentError("The id of a run is a UUID, as `history` lists it.");
  return value;
}

function depsOf(stores: Stores, env: NodeJS.ProcessEnv): SyncDeps & RestoreDeps {
  const config = parseConfig(configSchema, env);
  return {
    stores,
    zone: config.LEADERBOARD_TIMEZONE,
    maxDeleteRatio: config.SYNC_MAX_DELETE_RATIO,
    maxDeleteMin: config.SYNC_MAX_DELETE_MIN,
    nowMs: Date.now,
    points: { up: config.POINTS_UP, down: config.POINTS_DOWN, none: 0 },
  };
}

function print(value: unknown, json: boolean, words: string): void {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${words}\n`);
}

function period(value: string, before: LeaderboardPeriod[] = []): LeaderboardPeriod[] {
  const known = LEADERBOARD_PERIODS.find((name) => name === value);
  if (known === undefined) throw new InvalidArgumentError(`One of ${LEADERBOARD_PERIODS.join(", ")}.`);
  return [...before, known];
}
