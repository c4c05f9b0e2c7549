/** The end of a history: do the stores stand by what users were told? */
import { type Board, boardAt, boardName } from "@votesync/core";
import { isClean, verify } from "@votesync/reconcile";
import { readBoardPage } from "@votesync/redis-store";
import { PERIODS, POINTS } from "./background-services.js";
import type { Model } from "./model.js";
import { OWNERS, PROJECTS, USERS } from "./steps.js";
import type { TwoStores } from "./two-stores.js";

export async function judge(model: Model, stores: TwoStores): Promise<void> {
  const standing = await readStanding(stores);
  const written = await readWritten(stores);
  model.settleKeys((wish) => [...wish.requestIds].some((id) => written.has(id)));
  judgeOrder(model, standing);
  await judgeCounters(model, stores);
  judgeEvents(model, written);
  await judgePoints(model, stores, standing);
}

/** `user project` → the vote that the rows say. */
type Standing = Map<string, "up" | "down" | "none">;

async function readStanding({ pool }: TwoStores): Promise<Standing> {
  const { rows } = await pool.query<{ user_id: string; project_id: string; vote_type: "up" | "down" | "none" }>(
    "SELECT user_id, project_id, vote_type FROM votes",
  );
  return new Map(rows.map(({ user_id, project_id, vote_type }) => [`${user_id} ${project_id}`, vote_type]));
}

function judgeOrder(model: Model, standing: Standing): void {
  for (const user of USERS) {
    for (const project of PROJECTS) {
      const vote = standing.get(`${user} ${project}`) ?? "none";
      if (!model.mayStand(user, project, vote)) {
        const answered = model.wishes.filter((w) => w.user === user && w.project === project && w.isAnswered);
        const told = answered.map((wish) => wish.vote).join(", ");
        model.report("order", `${user}'s vote on ${project} is ${vote}; answered were, in order: ${told}`, null);
      }
    }
  }
}

async function judgeCounters(model: Model, stores: TwoStores): Promise<void> {
  const report = await verify(stores, { projectIds: PROJECTS, timeoutMs: 0 });
  if (!isClean(report)) model.report("counters", `verify says ${JSON.stringify(report)}`, null);
}

/** Request id → how many events it has. */
async function readWritten({ pool }: TwoStores): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ request_id: string; times: number }>(
    "SELECT request_id, count(*) AS times FROM vote_events GROUP BY request_id",
  );
  return new Map(rows.map(({ request_id, times }) => [request_id, times]));
}

function judgeEvents(model: Model, written: ReadonlyMap<string, number>): void {
  for (const [id, times] of written) if (times > 1) model.report("once", `${times} events of request ${id}`, null);
  for (const wish of model.wishes) {
    const isWritten = [...wish.requestIds].some((id) => written.has(id));
    if (!wish.isCommitted || wish.isRefused || isWritten || model.postgresWentBack) continue;
    model.report("committed", `${wish.user}'s ${wish.vote} on ${wish.project} was committed, and is gone`, null);
  }
  judgeKeys(model, written);
}

/** A key acts once, unless what it did was lost. */
function judgeKeys(model: Model, written: ReadonlyMap<string, number>): void {
  const acts = new Map<string, string[]>();
  for (const wish of model.wishes) {
    if (wish.key === undefined || wish.isRefused) continue;
    const ids = [...wish.requestIds].filter((id) => written.has(id));
    const hasActed = ids.length > 0 || wish.isAnswered;
    const id = `${wish.user} ${wish.project} ${wish.key}`;
    if (wish.mayBeLost) acts.delete(id);
    else if (hasActed) acts.set(id, [...(acts.get(id) ?? []), wish.vote]);
  }
  for (const [id, votes] of acts) {
    if (votes.length > 1) model.report("once", `the key of "${id}" acted as ${votes.join(" and as ")}`, null);
  }
}

async function judgePoints(model: Model, stores: TwoStores, standing: Standing): Promise<void> {
  const expected = new Map<string, number>();
  for (const project of PROJECTS) {
    const votes = USERS.map((user) => standing.get(`${user} ${project}`) ?? "none");
    const points = votes.reduce((sum, vote) => sum + POINTS[vote], 0);
    if (points !== 0) expected.set(OWNERS[project], points);
  }
  const wanted = JSON.stringify([...expected].sort());
  for (const period of PERIODS) {
    const board = boardAt(period, stores.nowUs / 1_000, "UTC");
    const inRedis = await pointsInRedis(stores, board);
    if (inRedis !== wanted) model.report("points", `${boardName(board)} in Redis is ${inRedis}, not ${wanted}`, null);
    const inPostgres = await pointsInPostgres(stores, board);
    if (inPostgres !== wanted)
      model.report("points", `${boardName(board)} in PostgreSQL is ${inPostgres}, not ${wanted}`, null);
  }
}

async function pointsInRedis({ redis, names }: TwoStores, board: Board): Promise<string> {
  const entries = await readBoardPage(redis, names, { board, offset: 0, limit: 100 });
  return JSON.stringify(entries.map(({ userId, points }) => [userId, points]).sort());
}

async function pointsInPostgres({ pool }: TwoStores, { period, key }: Board): Promise<string> {
  const { rows } = await pool.query<{ user_id: string; points: number }>(
    "SELECT user_id, points FROM leaderboard_entries WHERE period = $1 AND key = $2",
    [period, key],
  );
  return JSON.stringify(rows.map(({ user_id, points }) => [user_id, points]).sort());
}
