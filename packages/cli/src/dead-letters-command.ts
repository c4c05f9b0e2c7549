/**
 * `votes dead-letters …`: votes that could not be stored and were given up. The same work as the routes below
 * `/api/votes/dead-letters`, done on the stores themselves.
 */
import {
  castAgain,
  DeadLetters,
  type DeadLetterView,
  deadLetterView,
  parseLetterId,
  type Stores,
} from "@votesync/reconcile";
import { Command, InvalidArgumentError } from "commander";
import { redisReady, withStores } from "./open-stores.js";
import { withJson } from "./options.js";

type LetterKey = NonNullable<ReturnType<typeof parseLetterId>>;

const LETTERS_PER_PAGE = 100;
const DEFAULT_LIMIT = 20;

interface Output {
  json: boolean;
}

export function deadLettersCommand(): Command {
  return new Command("dead-letters")
    .description("votes that could not be stored and were given up")
    .addCommand(listCommand())
    .addCommand(letterCommand("show", "one letter, with all it holds", (letters, key) => letters.find(key)))
    .addCommand(replayCommand())
    .addCommand(letterCommand("drop", "leave a letter be; its row is kept", (letters, key) => letters.drop(key)));
}

const withLetters = <T>(work: (letters: DeadLetters, stores: Stores) => Promise<T>) =>
  withStores("votesync dead-letters", (stores) =>
    work(new DeadLetters(stores, (vote) => castAgain(stores, vote)), stores),
  );

function listCommand(): Command {
  return withJson(new Command("list"))
    .description("unresolved letters, newest first")
    .option("--all", "those too that were replayed or dropped", false)
    .option("--limit <n>", "at most so many", limit, DEFAULT_LIMIT)
    .action(async (o: Output & { all: boolean; limit: number }) => {
      const views = await withLetters(async (letters) => {
        const found: DeadLetterView[] = [];
        let after: Awaited<ReturnType<DeadLetters["list"]>>["next"] | undefined;
        while (found.length < o.limit && after !== null) {
          const size = Math.min(LETTERS_PER_PAGE, o.limit - found.length);
          const page = await letters.list({ limit: size, all: o.all, after });
          found.push(...page.letters.map(deadLetterView));
          after = page.next;
        }
        return found;
      });
      if (o.json) print(views);
      else process.stdout.write(views.length === 0 ? "no dead letters\n" : views.map(line).join(""));
    });
}

function letterCommand(
  name: string,
  description: string,
  work: (letters: DeadLetters, key: LetterKey) => ReturnType<DeadLetters["find"]>,
): Command {
  return withJson(new Command(name))
    .description(description)
    .argument("<id>", "as listed", letterId)
    .action(async (key: LetterKey, o: Output) => {
      const view = deadLetterView(await withLetters((letters) => work(letters, key)));
      if (o.json || name === "show") print(view);
      else process.stdout.write(line(view));
    });
}

function replayCommand(): Command {
  const command = withJson(new Command("replay"));
  return command
    .description("cast a letter's vote anew, unless its user has voted since")
    .argument("[id]", "as listed", letterId)
    .option("--all", "every unresolved letter", false)
    .action(async (key: LetterKey | undefined, o: Output & { all: boolean }) => {
      if ((key === undefined) !== o.all) command.error("error: give the id of a letter, or --all", { exitCode: 2 });
      const results: Result[] = await withLetters(async (letters, stores) => {
        await redisReady(stores);
        return key === undefined ? replayAll(letters) : [deadLetterView(await letters.replay(key))];
      });
      if (o.json) print(key === undefined ? results : results[0]);
      else process.stdout.write(results.length === 0 ? "no dead letters\n" : results.map(line).join(""));
      const failed = results.filter(({ resolution }) => resolution === null).length;
      if (failed > 0) throw new Error(`${failed} of ${results.length} letters could not be replayed`);
    });
}

type Result = DeadLetterView & { failure?: string };

/** One letter that cannot be replayed does not keep the others from it. */
async function replayAll(letters: DeadLetters): Promise<Result[]> {
  const results: Result[] = [];
  let after: Awaited<ReturnType<DeadLetters["list"]>>["next"] | undefined;
  while (after !== null) {
    const page = await letters.list({ limit: LETTERS_PER_PAGE, all: false, after });
    for (const letter of page.letters) {
      try {
        results.push(deadLetterView(await letters.replay(letter)));
      } catch (error) {
        results.push({ ...deadLetterView(letter), failure: error instanceof Error ? error.message : String(error) });
      }
    }
    after = page.next;
  }
  return results;
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

function line(letter: Result): string {
  const { id, created_at, project_id, user_id, resolution, error, failure } = letter;
  const what = failure ?? resolution ?? error;
  return `${id}  ${created_at}  ${project_id ?? "-"}  ${user_id ?? "-"}  ${what}\n`;
}

function letterId(value: string): LetterKey {
  const key = parseLetterId(value);
  if (key === null) throw new InvalidArgumentError("A letter's id is <shard>.<stream id>, as listed.");
  return key;
}

function limit(value: string): number {
  if (!/^[1-9]\d{0,5}$/.test(value)) throw new InvalidArgumentError("A whole number, up to 999999.");
  return Number(value);
}
