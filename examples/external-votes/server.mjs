/**
 * A voting API that votesync can take a launch day's counts from, as small as it can be: votes are kept in memory. What
 * matters is what it does with wrong signatures, and that flushing twice is harmless.
 */
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const MAX_BODY_BYTES = 1_048_576;

/**
 * @param {string} secret shared with votesync
 * @param {Map<string, Map<string, number>>} votes date -> app id -> votes
 */
export function createVotesServer(secret, votes) {
  const webhook = new Webhook(Buffer.from(secret, "utf8"), { format: "raw" });

  const routes = {
    "GET /votes": ({ date }) => {
      const counts = [...(votes.get(date) ?? [])].map(([appId, count]) => ({ appId, votes: count }));
      return { date, countedAt: new Date().toISOString(), votes: counts };
    },
    // What was flushed before is flushed: saying so again is the right answer.
    "POST /flush": (_query, { date, apps }) => {
      const counts = votes.get(date);
      for (const { appId } of apps) counts?.set(appId, 0);
      return { date, flushed: apps.map(({ appId }) => appId) };
    },
  };

  return createServer(async (req, res) => {
    const answer = (status, body) =>
      res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    try {
      const body = await readBody(req);
      const address = new URL(req.url, "http://localhost");
      const route = routes[`${req.method} ${address.pathname}`];
      if (route === undefined) return answer(404, { error: "no such address" });
      const query = Object.fromEntries(address.searchParams);
      try {
        webhook.verify(body, req.headers, { jsonParse: false });
        // Nobody signs a query, but the id: a signature that was overheard is good for its own day only.
        if (req.method === "GET" && !req.headers["webhook-id"].startsWith(`votes-${query.date}-`))
          throw new Error("day");
      } catch {
        return answer(401, { error: "wrong signature" });
      }
      answer(200, route(query, body === "" ? {} : JSON.parse(body)));
    } catch {
      answer(400, { error: "not understood" });
    }
  });
}

async function readBody(req) {
  let body = "";
  for await (const chunk of req.setEncoding("utf8")) {
    body += chunk;
    if (body.length > MAX_BODY_BYTES) throw new Error("too large");
  }
  return body;
}
