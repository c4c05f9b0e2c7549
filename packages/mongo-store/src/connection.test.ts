import { afterEach, expect, test } from "@jest/globals";
import { parseConfig } from "@votesync/service-kit";
import { BreakableLink, testMongoUrl, waitFor } from "@votesync/testkit";
import { z } from "zod";
import { connectMongo, type MongoConnection, mongoConfigShape } from "./connection.js";

const opened: MongoConnection[] = [];
const links: BreakableLink[] = [];
afterEach(async () => {
  for (const mongo of opened.splice(0)) await mongo.close();
  for (const link of links.splice(0)) await link.cut();
});

async function linkToMongo(): Promise<BreakableLink> {
  const link = await BreakableLink.to(testMongoUrl());
  links.push(link);
  return link;
}

function connectThrough(link: BreakableLink) {
  const lines: string[] = [];
  const log = {
    info: (_: object, message: string) => void lines.push(message),
    warn: (_: object, message: string) => void lines.push(message),
  };
  const mongo = connectMongo({ url: link.url(testMongoUrl()), log });
  opened.push(mongo);
  return { mongo, lines };
}

const answers = (mongo: MongoConnection) => waitFor("MongoDB to answer", () => mongo.ping());

/** More than any deadline here on a busy machine, and far less than what a driver without them would wait. */
const BOUNDED_MS = 8_000;

async function elapsedMs(work: Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work.catch(() => undefined);
  return performance.now() - startedAt;
}

test("it answers a ping, and stores what it is given", async () => {
  const { mongo } = connectThrough(await linkToMongo());
  expect(await answers(mongo)).toEqual({});
  const things = mongo.connection.collection<{ _id: string; size: number }>("connection_test");
  await things.replaceOne({ _id: "a" }, { size: 1 }, { upsert: true });
  expect(await things.findOne({ _id: "a" })).toEqual({ _id: "a", size: 1 });
  await things.drop();
});

test("without MongoDB it starts, says so once, fails calls at once, and connects when MongoDB comes", async () => {
  const link = await linkToMongo();
  await link.cut();
  const { mongo, lines } = connectThrough(link);
  await expect(mongo.ping()).rejects.toThrow("not connected");
  expect(() => mongo.connection.collection("connection_test").findOne({})).toThrow("initial connection");
  await waitFor("a line about it", () => lines.length > 0);
  await link.restore();
  await answers(mongo);
  expect(lines).toEqual(["cannot reach mongodb, trying again", "mongodb connection ready"]);
});

test("after an outage it is back by itself, and the log tells of both", async () => {
  const link = await linkToMongo();
  const { mongo, lines } = connectThrough(link);
  await answers(mongo);
  await link.cut();
  await expect(mongo.ping()).rejects.toThrow();
  await waitFor("the loss to be logged", () => lines.length > 1);
  await link.restore();
  await answers(mongo);
  const ready = "mongodb connection ready";
  expect(lines).toEqual([ready, "mongodb connection lost, trying again", ready]);
});

test("a frozen server fails a ping after a second, however many are sent, and leaves no heap of connections", async () => {
  const link = await linkToMongo();
  const { mongo } = connectThrough(link);
  await answers(mongo);
  link.freeze();
  for (let i = 0; i < 5; i++) expect(await elapsedMs(mongo.ping())).toBeLessThan(BOUNDED_MS);
  expect(link.openConnections).toBeLessThan(12);
});

test.each<[string, (link: BreakableLink) => void | Promise<void>]>([
  ["gone", (link) => link.cut()],
  ["frozen", (link) => link.freeze()],
])("it closes at once while it tries to reach a server that is %s", async (_how, breakLink) => {
  const link = await linkToMongo();
  await breakLink(link);
  const { mongo } = connectThrough(link);
  // It fails when it takes until its deadline.
  await mongo.close();
  await mongo.close();
  await waitFor("no connection to be left", () => link.openConnections === 0);
});

test("it closes in time when the server froze after connecting, and twice is safe", async () => {
  const link = await linkToMongo();
  const { mongo } = connectThrough(link);
  await answers(mongo);
  link.freeze();
  expect(await elapsedMs(mongo.close())).toBeLessThan(BOUNDED_MS);
  await mongo.close();
});

test("only an address of MongoDB is taken", () => {
  const schema = z.object(mongoConfigShape);
  expect(parseConfig(schema, { MONGO_URL: "mongodb+srv://a.example/votes" }).MONGO_URL).toContain("a.example");
  expect(() => parseConfig(schema, { MONGO_URL: "http://a.example" })).toThrow("MONGO_URL");
  expect(() => parseConfig(schema, {})).toThrow("MONGO_URL: is not set");
});
