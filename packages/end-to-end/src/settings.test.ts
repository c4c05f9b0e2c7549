/** All services of an installation agree on their settings, or do not start. Real processes, and the command of operators. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type AppName, BreakableLink, type ServiceProcess, testMongoUrl, testToken } from "@votesync/testkit";
import { type CommandResult, votesync, votesyncWith } from "./command-line.js";
import { Installation, postJson } from "./installation.js";

const IN_FORCE = {
  LAUNCH_TIMEZONE: "Europe/Berlin",
  LEADERBOARD_TIMEZONE: "Asia/Tokyo",
  POINTS_UP: "3",
  POINTS_DOWN: "-1",
  VOTE_RATE_MAX: "0",
  VOTE_RATE_WINDOW_MS: "5000",
};
const DEADLINE_MS = 120_000;

/** With more projects than shards, so that some are in the same shard by any number of shards. */
const PROJECTS = Array.from({ length: 24 }, (_, i) => `agreed:${i}`);

/** What refuses says it in one line of its log, in words for an operator. */
function reasonOf(log: string): string {
  const lines = log.split("\n").filter((line) => line.startsWith("{"));
  const fatal = lines.map((line) => JSON.parse(line) as { level: number; err?: { message: string } });
  return fatal.find(({ level }) => level === 60)?.err?.message ?? log;
}

const differing = (name: string, inForce: string, given: string) =>
  expect.stringMatching(
    `^${name}=${inForce} is in force in this installation, and ${name}=${given}(?: \\(the default\\))? was given here\\.`,
  );

const NONE = {
  VOTE_SHARDS: 8,
  LAUNCH_TIMEZONE: null,
  LEADERBOARD_TIMEZONE: null,
  POINTS_UP: null,
  POINTS_DOWN: null,
  VOTE_RATE_MAX: null,
  VOTE_RATE_WINDOW_MS: null,
};

const settingsOf = async (installation: Installation) =>
  JSON.parse((await votesync(installation, "settings", "show", "--json")).stdout) as Record<string, unknown>;

describe("an installation with settings in force", () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.create({ MONGO_URL: testMongoUrl(), ...IN_FORCE });
    await installation.start("vote-api");
    await installation.start("sync-scheduler");
  });
  afterAll(() => installation.remove());

  /** A setting of each service; which settings it compares is tested without a process. */
  const DIFFERING: [AppName, keyof typeof IN_FORCE, string][] = [
    ["vote-api", "VOTE_RATE_MAX", "5"],
    ["sync-scheduler", "POINTS_UP", "1"],
    ["finalizer", "LAUNCH_TIMEZONE", "America/New_York"],
    ["realtime-gateway", "LEADERBOARD_TIMEZONE", "UTC"],
  ];
  test.each(DIFFERING)("%s with another %s refuses to start and says which is in force", async (app, name, given) => {
    const { code, log } = await installation.refused(app, { [name]: given });
    expect(code).toBe(1);
    expect(reasonOf(log)).toEqual(differing(name, IN_FORCE[name], given));
    expect(reasonOf(log)).toContain(`"votesync settings set ${name} ${given}"`);
  });

  const APPS: AppName[] = ["vote-api", "vote-worker", "sync-scheduler", "finalizer", "realtime-gateway"];
  test("no service starts with another number of shards", async () => {
    const refusals = await Promise.all(APPS.map((app) => installation.refused(app, { VOTE_SHARDS: "16" })));
    for (const { code, log } of refusals) {
      expect(code).toBe(1);
      expect(reasonOf(log)).toEqual(differing("VOTE_SHARDS", "8", "16"));
      expect(reasonOf(log)).toContain("it can never change");
    }
  });

  test("commands use what is in force where nothing is given, and refuse what differs", async () => {
    expect(await votesync(installation, "sync", "restore")).toMatchObject({ code: 0 });
    const other = { LEADERBOARD_TIMEZONE: "UTC" };
    const refused = await votesyncWith(installation, other, "sync", "restore");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("LEADERBOARD_TIMEZONE=Asia/Tokyo is in force");
    expect(await votesyncWith(installation, { VOTE_SHARDS: "4" }, "votes", "verify")).toMatchObject({ code: 1 });
  });
});

describe("a service that starts while PostgreSQL is away", () => {
  let installation: Installation;
  let link: BreakableLink;
  let token: string;

  beforeEach(async () => {
    installation = await Installation.create({ VOTE_RATE_MAX: "0" });
    const api = await installation.start("vote-api");
    await installation.start("vote-worker");
    await installation.createProjects(api, PROJECTS);
    token = await testToken("voter");
    for (const project_id of PROJECTS) expect(await voteOn(api, project_id)).toBe(200);
    await installation.drained();
    link = await BreakableLink.to(installation.database.url);
    await link.cut();
  });
  afterEach(async () => {
    await installation.remove();
    await link.cut();
  });

  const voteOn = async (api: ServiceProcess, project_id: string, vote_type = "up") =>
    (await postJson(`${api.url}/api/votes`, token, { project_id, vote_type })).status;
  /** It logs what ends it, and not every vote that it could not take. */
  const startAway = (env: NodeJS.ProcessEnv) => {
    const DATABASE_URL = link.url(installation.database.url);
    return installation.start("vote-api", { DATABASE_URL, LOG_LEVEL: "fatal", ...env });
  };

  test(
    "it takes votes meanwhile, and ends once PostgreSQL says that another value is in force",
    async () => {
      const agreeing = await startAway({});
      const api = await startAway({ VOTE_RATE_MAX: "7" });
      expect(await voteOn(api, "agreed:0", "down")).toBe(200);
      await link.restore();
      expect(await api.ended()).toBe(1);
      expect(reasonOf(api.log)).toEqual(differing("VOTE_RATE_MAX", "0", "7"));
      expect(await voteOn(agreeing, "agreed:0", "up")).toBe(200);
      expect(await agreeing.stop()).toBe(0);
    },
    DEADLINE_MS,
  );

  test.each(["4", "16"])(
    "with VOTE_SHARDS=%s it never takes one vote",
    async (VOTE_SHARDS) => {
      const api = await startAway({ VOTE_SHARDS });
      const votes = (await Promise.all(PROJECTS.map((id) => voteOn(api, id, "down")))).filter((status) => status < 500);
      expect(votes).toEqual([]);
      const ended = api.ended();
      const voting = Promise.allSettled(PROJECTS.map((id) => voteOn(api, id, "down")));
      await link.restore();
      expect(await ended).toBe(1);
      expect(reasonOf(api.log)).toEqual(differing("VOTE_SHARDS", "8", VOTE_SHARDS));
      await voting;
      await installation.drained();
      expect(await installation.query("SELECT count(*)::int AS votes FROM vote_events")).toEqual([
        { votes: PROJECTS.length },
      ]);
      expect(await installation.query("SELECT * FROM outbox")).toEqual([]);
      const shards = await installation.redis.keys("vs:{s*}:events");
      const lengths = await Promise.all(shards.map((key) => installation.redis.xlen(key)));
      expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(PROJECTS.length);
    },
    DEADLINE_MS,
  );
});

describe("a new installation", () => {
  let installation: Installation;

  beforeEach(async () => {
    installation = await Installation.create();
  });
  afterEach(() => installation.remove());

  const settings = (...args: string[]) => votesync(installation, "settings", ...args);
  const inForce = () => settingsOf(installation);
  test("of two services that start at once with different settings one runs, and all of its settings are in force", async () => {
    const sets = [
      { LAUNCH_TIMEZONE: "Europe/Berlin", LEADERBOARD_TIMEZONE: "Europe/Berlin", VOTE_RATE_MAX: "6" },
      { LAUNCH_TIMEZONE: "Asia/Tokyo", LEADERBOARD_TIMEZONE: "Asia/Tokyo", VOTE_RATE_MAX: "7" },
    ];
    const refusals = await Promise.allSettled(sets.map((env) => installation.refused("vote-api", env)));
    const runs = sets.filter((_, i) => refusals[i]?.status === "rejected");
    expect(runs).toHaveLength(1);
    const { VOTE_RATE_MAX, ...zones } = runs[0] as (typeof sets)[0];
    expect(await inForce()).toMatchObject({ ...zones, VOTE_RATE_MAX: Number(VOTE_RATE_MAX) });
  });

  test("a service adds what it uses, and no more", async () => {
    await installation.start("vote-worker", { LAUNCH_TIMEZONE: "Asia/Tokyo" });
    expect(await inForce()).toEqual(NONE);
    await installation.start("finalizer", { LAUNCH_TIMEZONE: "Asia/Tokyo", MONGO_URL: testMongoUrl() });
    expect(await inForce()).toEqual({ ...NONE, LAUNCH_TIMEZONE: "Asia/Tokyo" });
  });

  test("a setting is changed by command: what runs goes on, and the new value is asked for at the next start", async () => {
    const api = await installation.start("vote-api");
    expect((await settings("check")).code).toBe(0);
    const changed = await settings("set", "VOTE_RATE_MAX", "9");
    expect(changed).toMatchObject({ code: 0, stderr: "" });
    expect(changed.stdout).toMatch(/^VOTE_RATE_MAX=9 is in force \(it was 5\)\nRestart vote-api with VOTE_RATE_MAX=9/);
    expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
    expect(reasonOf((await installation.refused("vote-api", {})).log)).toEqual(differing("VOTE_RATE_MAX", "9", "5"));
    const checked = await settings("check");
    expect([checked.code, checked.stderr]).toEqual([1, expect.stringContaining("VOTE_RATE_MAX=9 is in force")]);
    await installation.start("vote-api", { VOTE_RATE_MAX: "9" });
  });

  test("each change says what follows from it", async () => {
    const saying = async (name: string, value: string) =>
      (JSON.parse((await settings("set", name, value, "--json")).stdout) as { consequences: string[] }).consequences;
    expect(await saying("POINTS_DOWN", "-1")).toEqual([
      expect.stringContaining("sync-scheduler"),
      expect.stringContaining("votesync sync restore"),
    ]);
    expect(await saying("LEADERBOARD_TIMEZONE", "Asia/Tokyo")).toContainEqual(expect.stringContaining("sync restore"));
    expect(await saying("LAUNCH_TIMEZONE", "Asia/Tokyo")).toContainEqual(
      expect.stringContaining("keep their instants"),
    );
    expect(await saying("LAUNCH_TIMEZONE", "Asia/Tokyo")).toEqual([]);
    expect(await inForce()).toMatchObject({ POINTS_DOWN: -1, LEADERBOARD_TIMEZONE: "Asia/Tokyo" });
  });

  test("commands say that PostgreSQL is away, or not migrated", async () => {
    const away = await votesyncWith(installation, { DATABASE_URL: "postgres://127.0.0.1:1/none" }, "settings", "show");
    expect([away.code, away.stderr]).toEqual([1, expect.stringContaining("ECONNREFUSED")]);
    await installation.query("ALTER TABLE installation_settings RENAME TO not_yet_migrated");
    const unmigrated = await settings("show");
    expect([unmigrated.code, unmigrated.stderr]).toEqual([1, expect.stringContaining("run votesync migrate first")]);
  });
});

describe("an operator who mistypes", () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.create();
  });
  afterAll(() => installation.remove());

  const MISUSED: [string[], string][] = [
    [["VOTE_SHARDS", "16"], "the shard of a project never moves"],
    [["VOTE_RATE", "16"], "One of VOTE_SHARDS, LAUNCH_TIMEZONE"],
    [["VOTE_RATE_MAX", "many"], 'VOTE_RATE_MAX cannot be "many": must be a whole number'],
    [["VOTE_RATE_MAX", "-1"], 'VOTE_RATE_MAX cannot be "-1"'],
    [["VOTE_RATE_MAX", ""], "no value was given for VOTE_RATE_MAX"],
    [["POINTS_UP", "1.5"], 'POINTS_UP cannot be "1.5": must be a whole number'],
    [["LAUNCH_TIMEZONE", "Berlin"], 'LAUNCH_TIMEZONE cannot be "Berlin": must be an IANA time zone'],
    [["LAUNCH_TIMEZONE"], "missing required argument"],
    [["LAUNCH_TIMEZONE", "UTC", "UTC"], "too many arguments"],
  ];
  test.each(MISUSED)("settings set %j is misuse", async (args, says) => {
    const result: CommandResult = await votesync(installation, "settings", "set", ...args);
    expect([result.code, result.stderr]).toEqual([2, expect.stringContaining(says)]);
  });

  test("has changed nothing", async () => {
    expect(await settingsOf(installation)).toEqual(NONE);
  });
});
