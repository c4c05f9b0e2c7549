// Every path, body and answer below is checked against the server's own description: a misspelt one does not compile.
import createClient from "openapi-fetch";
import type { paths } from "../generated/votesync.js";

const { VOTESYNC_URL = "http://localhost:3000", VOTESYNC_TOKEN = "" } = process.env;
const votesync = createClient<paths>({
  baseUrl: VOTESYNC_URL,
  headers: { Authorization: `Bearer ${VOTESYNC_TOKEN}` },
});

const made = await votesync.POST("/api/projects", { body: { title: "Made by a typed program" } });
if (made.data === undefined) throw new Error(`no project was made: ${made.response.status}`);

const vote = await votesync.POST("/api/votes", {
  params: { header: { "Idempotency-Key": crypto.randomUUID() } },
  body: { project_id: made.data.id, vote_type: "up" },
});
if (vote.data === undefined) throw new Error(`the vote was refused: ${vote.response.status}`);

const read = await votesync.GET("/api/projects/{id}", { params: { path: { id: made.data.id } } });
console.log(`${read.data?.title}: ${read.data?.upvotes} up, ${read.data?.downvotes} down`);
