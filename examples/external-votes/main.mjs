import { createVotesServer } from "./server.mjs";

const { PORT = "3020", EXTERNAL_VOTES_SECRET } = process.env;
if (!EXTERNAL_VOTES_SECRET) throw new Error("EXTERNAL_VOTES_SECRET is not set");

/** Votes of today, made up. */
const today = new Date().toISOString().slice(0, 10);
const votes = new Map([
  [
    today,
    new Map([
      ["rocket", 42],
      ["teapot", 7],
    ]),
  ],
]);
createVotesServer(EXTERNAL_VOTES_SECRET, votes).listen(Number(PORT), "127.0.0.1", () => {
  console.log(`counting votes at http://127.0.0.1:${PORT}`);
});
