/**
 * Votes that another voting API counts. What it says is believed only whole: it must name every app of the day, once. Its
 * failure costs nothing but time: the day waits for its counts, and its result never waits for the flush.
 */
import {
  callExternal,
  type ExternalApiOptions,
  ExternalVotesError,
  flushAnswerSchema,
  votesAnswerSchema,
} from "./external-api.js";
import type { FlushedApp, VoteCountsOfDay, VoteSource } from "./vote-source.js";

export class ExternalVotesSource implements VoteSource {
  readonly name = "external";

  constructor(
    private readonly options: ExternalApiOptions,
    /** What was voted here is let go of too. */
    private readonly own: Pick<VoteSource, "flush">,
  ) {}

  async count(date: string): Promise<VoteCountsOfDay> {
    const request = { name: `votes-${date}`, path: "/votes", query: { date } };
    const answer = await callExternal(this.options, request, votesAnswerSchema);
    refuseOtherDay(answer.date, date);
    const votes = new Map(answer.votes.map((app) => [app.appId, app.votes]));
    if (votes.size < answer.votes.length) throw new ExternalVotesError("named an app twice");
    return { countedAt: new Date(answer.countedAt), votes };
  }

  async flush(date: string, apps: readonly FlushedApp[]): Promise<string[]> {
    const request = { name: `flush-${date}`, path: "/flush", body: { date, apps } };
    const answer = await callExternal(this.options, request, flushAnswerSchema);
    refuseOtherDay(answer.date, date);
    const asked = new Set(apps.map(({ appId }) => appId));
    if (answer.flushed.some((appId) => !asked.has(appId))) {
      throw new ExternalVotesError("flushed apps that it was not asked to");
    }
    const flushed = new Set(answer.flushed);
    return this.own.flush(
      date,
      apps.filter(({ appId }) => flushed.has(appId)),
    );
  }
}

function refuseOtherDay(answered: string, asked: string): void {
  if (answered !== asked) throw new ExternalVotesError(`answered for ${answered} when it was asked for ${asked}`);
}
