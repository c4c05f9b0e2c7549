/** A board as a test sees it over HTTP. */
import { expect } from "@jest/globals";
import { type ServiceProcess, testToken } from "@votesync/testkit";
import { getJson, type JsonAnswer, postJson } from "./installation.js";

export interface JamStream {
  id: string;
  title: string;
  upvotes: number;
  downvotes: number;
  votes: number;
  version: number;
  userVote: "up" | "down" | null;
}

export interface JamQueue {
  jamId: string;
  version: number;
  activeStream: JamStream | null;
  streams: JamStream[];
}

export const HOST = "host";

/** As `user` at this replica. */
export async function post(api: ServiceProcess, path: string, body: object, user: string = HOST): Promise<JsonAnswer> {
  return postJson(`${api.url}${path}`, await testToken(user), body);
}

export async function makeJam(api: ServiceProcess, id: string, body: object = {}): Promise<void> {
  expect(await post(api, "/api/boards", { id, title: `Jam ${id}`, ...body })).toMatchObject({ status: 201 });
}

/** @returns the stream's id */
export async function addStream(api: ServiceProcess, jamId: string, title: string): Promise<string> {
  const url = `https://example.com/${encodeURIComponent(title)}`;
  const answer = await post(api, "/api/streams", { jamId, title, url });
  expect(answer).toMatchObject({ status: 201 });
  return (answer.body as unknown as JamStream).id;
}

export async function readQueue(api: ServiceProcess, jamId: string, o: { user?: string; query?: string } = {}) {
  const token = o.user === undefined ? undefined : await testToken(o.user);
  const answer = await getJson(`${api.url}/api/streams?jamId=${jamId}${o.query ?? ""}`, token);
  expect(answer.status).toBe(200);
  return answer.body as unknown as JamQueue;
}

export const titles = ({ streams }: Pick<JamQueue, "streams">) => streams.map(({ title }) => title);
