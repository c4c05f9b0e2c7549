/**
 * One replica cannot reach Redis while another can. Its votes go into PostgreSQL; the other replica, whether or not the first
 * one lives on, makes Redis and everybody who watches know them.
 */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BreakableLink, type ServiceProcess, testToken, waitFor } from "@votesync/testkit";
import { io, type Socket } from "socket.io-client";
import { getJson, Installation, postJson } from "./installation.js";
import { expectOneTruth, expectSameCounters, settled, VoteLoad } from "./vote-load.js";

const PROJECT = "split";

let installation: Installation;
let link: BreakableLink;
let near: ServiceProcess;
let far: ServiceProcess;
let socket: Socket;

beforeEach(async () => {
  installation = await Installation.create({ VOTE_RATE_MAX: "0" });
  link = await BreakableLink.to(installation.redisServer.url);
  near = await installation.start("vote-api");
  far = await installation.start("vote-api", { REDIS_URL: link.url(installation.redisServer.url) });
  await installation.start("vote-worker");
  const gateway = await installation.start("realtime-gateway");
  await installation.createProjects(near, [PROJECT]);
  socket = io(gateway.url, { transports: ["websocket"] });
});
afterEach(async () => {
  socket.close();
  await installation.remove();
  await link.cut();
});

const vote = async (api: ServiceProcess, user: string, vote_type = "up") =>
  postJson(`${api.url}/api/votes`, await testToken(user), { project_id: PROJECT, vote_type });

test("votes past Redis on a replica that is then killed: counts and sockets are right by the one that lives", async () => {
  const told: { voteCount: number; reason?: string }[] = [];
  socket.onAny((_event, message) => told.push(message));
  await socket.timeout(30_000).emitWithAck("subscribe", { projects: [PROJECT] });
  expect((await vote(near, "ann")).body.data).toMatchObject({ upvotes: 1 });
  await installation.drained();

  await link.cut();
  // Bob changes his mind on the side that is cut off, where nobody else sees it yet.
  expect((await vote(far, "bob", "down")).body.data).toMatchObject({ degraded: true, action: "created" });
  expect((await vote(far, "bob")).body.data).toMatchObject({ degraded: true, action: "changed", upvotes: 2 });
  expect((await vote(far, "ann", "none")).body.data).toMatchObject({ degraded: true, action: "removed" });
  await far.kill9();
  expect((await vote(near, "cem")).status).toBe(200);

  await settled(installation);
  await waitFor("watchers to be told", () => told.at(-1)?.voteCount === 2);
  expect(told.map(({ reason }) => reason)).toContain("recovered");
  expect((await getJson(`${near.url}/api/projects/${PROJECT}`)).body).toMatchObject({ upvotes: 2, downvotes: 0 });
  // Redis knows who voted what: nobody votes twice, nobody's vote is forgotten.
  expect((await vote(near, "bob")).body.data).toMatchObject({ action: "unchanged", upvotes: 2 });
  expect((await vote(near, "ann")).body.data).toMatchObject({ action: "created", upvotes: 3 });
  await settled(installation);
  await expectSameCounters(installation);
  // Each wish is one event in the audit log, whichever way it took.
  expect(
    await installation.query("SELECT count(*)::int AS n FROM vote_events GROUP BY request_id HAVING count(*) > 1"),
  ).toEqual([]);
});

test("under load, cut off and joined again three times, with the same voters on both sides", async () => {
  const load = new VoteLoad([near, far], [PROJECT, "split:2", "split:3"]);
  await installation.createProjects(near, ["split:2", "split:3"]);
  load.start();
  for (let cut = 0; cut < 3; cut++) {
    await load.more(200);
    await link.cut();
    await load.moreDegraded(100);
    await link.restore();
  }
  await load.more(200);
  await load.stop();
  await expectOneTruth(installation, load);
}, 240_000);
