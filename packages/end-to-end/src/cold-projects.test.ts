/** Projects that Redis does not hold: loaded once, whole or partly, and never counted wrong. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken } from "@votesync/testkit";
import { getJson, Installation, postVote } from "./installation.js";

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
