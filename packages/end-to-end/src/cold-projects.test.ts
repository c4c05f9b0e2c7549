/** Projects that Redis does not hold: loaded once, whole or partly, and never counted wrong. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { getJson, Installation, postJson, postVote } from "./installation.js";
import { settled } from "./vote-load.js";

const MANY = 10_500;

let installation: Installation;
let apis: ServiceProcess[];

beforeAll(async () => {
  installation = await Installation.create();
  apis = [await installation.start("vote-api"), await installation.start("vote-api")];
  await installation.start("vote-worker");
});
afterAll(() => installation.remove());

/** As if these votes had been cast long ago and Redis had forgotten the project since. */
async function storeVotes(projectId: string, upvotes: number): Promise<void> {
  await installation.query(
    `INSERT INTO votes (project_id, period, user_id, vote_type, version, voted_at)
     SELECT $1, 0, 'old ' || i, 'up', 1000 + i, now() FROM generate_series(1, $2::int) AS i`,
    [projectId, upvotes],
  );
  await installation.query("UPDATE projects SET upvotes = $2::int, version = 1000 + $2::int WHERE id = $1", [
    projectId,
    upvotes,
  ]);
}

const vote = async (user: string, project_id: string, vote_type: string, api = apis[0] as ServiceProcess) =>
  (await postVote(api, await testToken(user), { project_id, vote_type })).body.data;

test("a hundred first votes at once on a cold project, over two APIs, all count once", async () => {
  await installation.createProjects(apis[0] as ServiceProcess, ["cold"]);
  await storeVotes("cold", 50);
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => vote(`new ${i}`, "cold", i % 4 === 0 ? "down" : "up", apis[i % 2])),
  );
  expect(answers.map(({ action }) => action)).toEqual(answers.map(() => "created"));
  const { body } = await getJson(`${apis[1]?.url}/api/projects/cold`);
  expect(body).toMatchObject({ upvotes: 50 + 75, downvotes: 25, voteCount: 100 });
  // Those who had voted before still have: taking it back is no new vote.
  expect(await vote("old 7", "cold", "none")).toMatchObject({ action: "removed", upvotes: 124, user_vote: null });
});

test("rows that are slow to read: the first vote is taken all the same", async () => {
  await installation.createProjects(apis[0] as ServiceProcess, ["slow"]);
  const lock = await installation.postgres.connect();
  await lock.query("BEGIN");
  await lock.query("LOCK TABLE votes IN ACCESS EXCLUSIVE MODE");
  const [api] = apis as [ServiceProcess];
  const answer = postJson(`${api.url}/api/votes`, await testToken("patient"), { project_id: "slow", vote_type: "up" });
  await waitFor("the fallback to wait for the table", async () => {
    const waiting = `SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM outbox, clock%'`;
    return (await installation.query(waiting)).length === 1;
  });
  await lock.query("COMMIT");
  lock.release();
  expect(await answer).toMatchObject({
    status: 200,
    body: { data: { action: "created", upvotes: 1 } },
  });
  await settled(installation);
  expect(await vote("patient", "slow", "none")).toMatchObject({ action: "removed", upvotes: 0 });
});

test("a project with more voters than are loaded asks for the one it needs, and stays exact", async () => {
  await installation.createProjects(apis[0] as ServiceProcess, ["large"]);
  await storeVotes("large", MANY);
  expect(await vote("old 1", "large", "up")).toMatchObject({ action: "unchanged", upvotes: MANY });
  expect(await vote("old 2", "large", "down")).toMatchObject({ action: "changed", upvotes: MANY - 1, downvotes: 1 });
  expect(await vote("new", "large", "up", apis[1])).toMatchObject({ action: "created", upvotes: MANY });
  expect(await vote("old 2", "large", "none", apis[1])).toMatchObject({ action: "removed", downvotes: 0 });
  await installation.drained();
  expect(await installation.query("SELECT upvotes::int, downvotes::int FROM projects WHERE id = 'large'")).toEqual([
    { upvotes: MANY, downvotes: 0 },
  ]);
});

test("the answer to a vote is the state any replica shows afterwards", async () => {
  await installation.createProjects(apis[0] as ServiceProcess, ["fresh"]);
  for (let i = 0; i < 30; i++) {
    const { upvotes, version } = await vote(`reader ${i}`, "fresh", "up", apis[i % 2]);
    const { body } = await getJson(`${apis[(i + 1) % 2]?.url}/api/projects?ids=fresh`);
    expect(body.projects[0]).toMatchObject({ upvotes, version });
  }
});
