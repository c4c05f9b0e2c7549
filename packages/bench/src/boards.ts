/** Boards: what it costs a vote to be on one, and what its queue costs to be read. */
import { createBoard, createStream } from "@votesync/postgres-store";
import { testToken } from "@votesync/testkit";
import { createProjects, type Installation, startHello } from "./installation.js";
import { answered, type LoadResult, runLoad, type VoteHttpRequest } from "./load.js";
import type { Figure } from "./report.js";

const BOARDS = 10;
const STREAMS_PER_BOARD = 20;
const STREAMS_OF_A_LONG_QUEUE = 500;
const USERS = 2_000;
const REQUESTS = 60_000;
const SECONDS = 5;

export async function measureBoards(installation: Installation): Promise<Figure[]> {
  const streams = await createBoards(installation);
  const elsewhere = streams.map((id) => `${id}-elsewhere`);
  await createProjects(installation, elsewhere);
  const tokens = await Promise.all(Array.from({ length: USERS }, (_, i) => testToken(`board ${i}`)));
  const url = `${installation.api.url}/api/votes`;
  const votes = async (projects: string[]) =>
    answered(await runLoad({ url, requests: voteRequests(projects, tokens), seconds: SECONDS }));
  await votes([...streams, ...elsewhere]);
  const baseline = await votes(elsewhere);
  const onBoards = await votes(streams);
  const hello = await startHello();
  try {
    const read = (boardId: string, token?: string) => readQueue(installation, boardId, token);
    const helloReads = await runLoad({ url: hello.url, requests: [{ headers: {} }], seconds: SECONDS });
    const figure = (name: string, result: LoadResult): Figure => ({
      name: `${name} ÷ Express hello world requests/s`,
      ours: result.perSecond,
      baseline: helloReads.perSecond,
      aim: "written down",
    });
    return [
      {
        name: "votes/s on streams of boards ÷ on projects elsewhere",
        ours: onBoards.perSecond,
        baseline: baseline.perSecond,
        aim: "written down",
      },
      figure(`queues of ${STREAMS_PER_BOARD} read/s`, await read("bench-board-0")),
      figure(`queues of ${STREAMS_PER_BOARD} read/s with own votes`, await read("bench-board-0", tokens[0])),
      figure(`queues of ${STREAMS_OF_A_LONG_QUEUE} read/s`, await read("bench-board-long")),
    ];
  } finally {
    hello.stop();
  }
}

/** @returns the streams of the ordinary boards */
async function createBoards(installation: Installation): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < BOARDS; i++) ids.push(...(await makeBoard(installation, `bench-board-${i}`, STREAMS_PER_BOARD)));
  await makeBoard(installation, "bench-board-long", STREAMS_OF_A_LONG_QUEUE);
  return ids;
}

async function makeBoard({ postgres: { pool } }: Installation, boardId: string, streams: number): Promise<string[]> {
  await createBoard(pool, { id: boardId, title: boardId, mode: "server-first", ownerId: "bench" });
  const ids = Array.from({ length: streams }, (_, i) => `${boardId}-${i}`);
  for (const id of ids) {
    const stream = { id, title: `Stream ${id}`, url: `https://example.com/${id}`, ownerId: "bench", boardId };
    await createStream(pool, stream, { needsBoard: true, now: new Date() });
  }
  return ids;
}

function voteRequests(projects: string[], tokens: string[]): VoteHttpRequest[] {
  return Array.from({ length: REQUESTS }, (_, i) => ({
    headers: { "content-type": "application/json", authorization: `Bearer ${tokens[i % USERS]}` },
    body: JSON.stringify({
      project_id: projects[(i * 7 + Math.floor(i / USERS)) % projects.length],
      vote_type: i % 3 === 0 ? "down" : "up",
    }),
  }));
}

async function readQueue({ api }: Installation, boardId: string, token?: string): Promise<LoadResult> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const request: VoteHttpRequest = { method: "GET", headers };
  return answered(
    await runLoad({ url: `${api.url}/api/streams?jamId=${boardId}`, requests: [request], seconds: SECONDS }),
  );
}
