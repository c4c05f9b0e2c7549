import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { userIdSchema } from "./ids.js";
import { RedisNames, shardOf } from "./names.js";
import { makeRequestId, shardOfRequestId } from "./request-id.js";
import { compareStreamIds } from "./stream-id.js";

const projectId = fc.stringMatching(/^[A-Za-z0-9_.:-]{1,64}$/);
const userId = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .filter((id) => userIdSchema.safeParse(id).success);

test("no two users or projects share a key, and every key carries the project's shard as its only hash tag", () => {
  const names = new RedisNames();
  fc.assert(
    fc.property(projectId, userId, projectId, userId, (project, user, otherProject, otherUser) => {
      const key = names.rate(project, user);
      const same = project === otherProject && user === otherUser;
      expect(key === names.rate(otherProject, otherUser)).toBe(same);
      expect(key.match(/\{[^}]*\}/g)).toEqual([`{s${names.shardOf(project)}}`]);
      expect(names.votes(project, 1) === names.votes(otherProject, 1)).toBe(project === otherProject);
    }),
  );
});

test("the shard of a project is FNV-1a, as published: it must never move between releases", () => {
  fc.assert(fc.property(projectId, (id) => expect(shardOf(id, 8)).toBe(fnv1a(id) % 8)));
});

function fnv1a(text: string): number {
  let hash = 0x811c9dc5n;
  for (const character of text) hash = ((hash ^ BigInt(character.charCodeAt(0))) * 0x01000193n) % 2n ** 32n;
  return Number(hash);
}

test("a request id gives its shard back, and made-up ones do not", () => {
  const uuid = "01a20738-aa9a-73b2-8f72-a3fdcaf2479e";
  expect(shardOfRequestId(makeRequestId(7, uuid), 8)).toBe(7);
  for (const bad of ["", "7", `8.${uuid}`, `-1.${uuid}`, `7.${uuid}x`, "7.nonsense", `7.${uuid.toUpperCase()}`]) {
    expect(shardOfRequestId(bad, 8)).toBeNull();
  }
});

test("stream ids are ordered as numbers", () => {
  expect(["10-0", "9-9", "9-10", "0-0"].sort(compareStreamIds)).toEqual(["0-0", "9-9", "9-10", "10-0"]);
});
