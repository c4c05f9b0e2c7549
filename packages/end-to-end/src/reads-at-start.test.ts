/** A replica that has just started: from its first answer on it shows votes that only Redis has. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type ServiceProcess, testToken } from "@votesync/testkit";
import { getJson, Installation } from "./installation.js";
import { addStream, makeJam, post, readQueue } from "./jams.js";

let installation: Installation;
let here: ServiceProcess;

beforeAll(async () => {
  // Without a worker: no vote becomes a row.
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  here = await installation.start("vote-api");
});
afterAll(() => installation.remove());

test("its first answers have the votes another replica has taken: queue, counts, own votes", async () => {
  await makeJam(here, "start");
  const [first, loved] = [await addStream(here, "start", "First"), await addStream(here, "start", "Loved")];
  expect(await post(here, "/api/streams/upvote", { streamId: loved }, "ann")).toMatchObject({ status: 200 });
  const token = await testToken("ann");
  for (let i = 0; i < 3; i++) {
    const there = await installation.start("vote-api");
    const [queue, projects, own] = await Promise.all([
      readQueue(there, "start", { user: "ann" }),
      getJson(`${there.url}/api/projects?ids=${loved}`),
      getJson(`${there.url}/api/votes/user?project_ids=${first},${loved}`, token),
    ]);
    expect(queue.streams).toMatchObject([
      { id: loved, votes: 1, userVote: "up" },
      { id: first, votes: 0, userVote: null },
    ]);
    expect(projects.body).toMatchObject({ projects: [{ id: loved, voteCount: 1 }] });
    expect(own.body.data).toMatchObject({ votes: { [loved]: "up" } });
    await there.kill9();
  }
});
