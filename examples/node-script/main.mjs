// Makes a project, votes on it, and prints its counts whenever they change, until the vote is counted.
import { createVoteClient } from "@votesync/client";

const { VOTESYNC_URL = "http://localhost:3000", VOTESYNC_TOKEN } = process.env;
if (VOTESYNC_TOKEN === undefined) throw new Error("set VOTESYNC_TOKEN, as README.md says");

const votes = createVoteClient({ url: VOTESYNC_URL, token: VOTESYNC_TOKEN });
const { id } = await votes.request("/api/projects", { method: "POST", body: { title: "Made by a script" } });

const project = votes.project(id);
const counted = new Promise((resolve, reject) => {
  project.watch(() => {
    const shown = project.get();
    if (shown?.error) return reject(shown.error);
    if (!shown || shown.pending) return;
    console.log(`${id}: ${shown.upvotes} up, ${shown.downvotes} down`);
    if (shown.ownVote === "up") resolve();
  });
});

votes.watch({ projects: [id] });
votes.vote(id, "up");
await counted;
votes.close();
