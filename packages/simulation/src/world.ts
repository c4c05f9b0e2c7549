/**
 * One history: two replicas, a worker and a scheduler on two real stores, one step after the other. What a step throws is
 * what a loop would log before its next try; only what users were told is remembered, for the judge.
 */
import type { VoteAnswer } from "@votesync/redis-store";
import { SchedulerProcess, WorkerProcess } from "./background-services.js";
import { judge } from "./judge.js";
import { Links } from "./links.js";
import { Model, type Violation, type Wish } from "./model.js";
import { Operations, StuckError } from "./operations.js";
import { Replica } from "./replica.js";
import { describeStep, OWNERS, PROJECTS, REPLICAS, type ReplicaName, type Step, type VoteStep } from "./steps.js";
import { wishesInPostgres, wishesInRedis } from "./surviving-wishes.js";
import type { TwoStores } from "./two-stores.js";

/** So long a step takes on the clock of Redis: answers further apart than this are in order. */
const STEP_US = 50_000;
/** Longer than whoever holds a project has time to load it: then any replica does. */
const ROUND_US = 1_100_000;
/** After so many rounds of all loops nothing may be left to do. */
const MAX_ROUNDS = 12;

interface WaitingForCommit {
  replica: Replica;
  answer: VoteAnswer;
  wish: Wish;
}

export class World {
  private readonly model = new Model();
  private readonly operations: Operations;
  private readonly skewsMs = new Map<ReplicaName, number>();
  private readonly replicas = new Map<ReplicaName, Replica>();
  private worker: WorkerProcess;
  private scheduler: SchedulerProcess;
  private waiting: WaitingForCommit[] = [];

  private constructor(private readonly stores: TwoStores) {
    this.operations = new Operations(() => stores.countBlocked());
    for (const name of REPLICAS) this.replicas.set(name, this.startReplica(name));
    this.worker = this.startWorker();
    this.scheduler = new SchedulerProcess(this.links("scheduler"), stores.names, () => stores.nowUs / 1_000);
  }

  /** @returns what was found to be wrong, empty when nothing was */
  static async run(stores: TwoStores, steps: readonly Step[]): Promise<readonly Violation[]> {
    await stores.reset();
    const world = new World(stores);
    try {
      await world.play(steps);
    } catch (error) {
      if (!(error instanceof StuckError)) throw error;
      world.model.report("stuck", error.message, null);
    } finally {
      for (const replica of world.replicas.values()) replica.kill();
      for (const { links } of world.processes) links.kill();
      await world.operations.end();
    }
    return world.model.violations;
  }

  private async play(steps: readonly Step[]): Promise<void> {
    await this.createProjects();
    for (const replica of this.replicas.values()) await this.attempt("start", () => replica.trust.ensure());
    // Whoever puts back a copy before one was made gets this one.
    await this.stores.copyRedis();
    await this.stores.copyPostgres();
    for (const step of steps) {
      await this.stores.passTime(STEP_US);
      await this.do(step);
      await this.operations.settle();
      await this.tellCommitted();
    }
    await this.becomeQuiet();
    await judge(this.model, this.stores);
  }

  private get processes() {
    return [...this.replicas.values(), this.worker, this.scheduler];
  }

  private links(name: string): Links {
    return new Links(name, this.stores, this.operations);
  }

  private startReplica(name: ReplicaName): Replica {
    const nowMs = () => this.stores.nowUs / 1_000 + (this.skewsMs.get(name) ?? 0);
    return new Replica(this.links(name), this.stores.names, nowMs);
  }

  private startWorker(): WorkerProcess {
    return new WorkerProcess(this.links("worker"), this.stores.names, () => new Date(this.stores.nowUs / 1_000));
  }

  private replica(name: ReplicaName): Replica {
    return this.replicas.get(name) as Replica;
  }

  private async createProjects(): Promise<void> {
    await this.stores.pool.query(
      "INSERT INTO projects (id, title, owner_id) SELECT id, id, owner FROM unnest($1::text[], $2::text[]) AS p (id, owner)",
      [PROJECTS, PROJECTS.map((project) => OWNERS[project])],
    );
  }

  /** A loop's turn: what it throws it tries again. */
  private attempt(name: string, work: () => Promise<unknown>): Promise<void> {
    return this.operations.run(name, () => work().catch(() => undefined));
  }

  private async do(step: Step): Promise<void> {
    const name = describeStep(step);
    switch (step.do) {
      case "vote":
        return this.operations.run(name, () => this.vote(step));
      case "recover":
        return this.attempt(name, () => this.replica(step.at).recovery.runOnce());
      case "recheck":
        return this.attempt(name, () => this.replica(step.at).trust.recheck());
      case "restart":
        return this.restart(step.at);
      case "fault":
        return this.arm(step);
      case "heal":
        this.process(step.of).links.heal();
        return this.trustAgain();
      case "clock":
        this.skewsMs.set(step.at, (this.skewsMs.get(step.at) ?? 0) + step.ms);
        return;
      case "apply":
        return this.attempt(name, () => this.worker.apply());
      case "retry":
        return this.attempt(name, () => this.worker.retry());
      case "trim":
        return this.attempt(name, () => this.worker.trim());
      case "points":
        return this.attempt(name, () => this.scheduler.readPoints());
      case "sync":
        return this.attempt(name, () => this.scheduler.sync(false));
      case "reconcile":
        return this.attempt(name, () => this.scheduler.reconcile());
      case "evict":
        // What is loaded is not dropped within seconds: a load may be under way.
        return this.operations.isAnyHeld ? undefined : this.attempt(name, () => this.scheduler.evict());
      case "release":
        return this.operations.release();
      case "restart worker":
        this.worker.links.kill();
        this.worker = this.startWorker();
        return;
      case "copy Redis":
        return this.stores.copyRedis();
      case "copy PostgreSQL":
        return this.stores.copyPostgres();
      case "wipe Redis":
      case "put Redis back":
        return this.loseRedis(step.do === "wipe Redis");
      case "put PostgreSQL back":
        return this.losePostgres();
    }
  }

  /** Only ioredis sends a command again by itself: PostgreSQL's statements lose their reply in its place. */
  private arm({ of, to, fault, after }: Extract<Step, { do: "fault" }>): void {
    const { redis, postgres } = this.process(of).links;
    if (to === "Redis") redis.arm(fault, after);
    else postgres.arm(fault === "send twice" ? "lose reply" : fault, after);
  }

  private process(name: ReplicaName | "worker" | "scheduler") {
    if (name === "worker") return this.worker;
    return name === "scheduler" ? this.scheduler : this.replica(name);
  }

  private async vote({ at, user, project, vote, key, committed }: VoteStep): Promise<void> {
    const replica = this.replica(at);
    const requestIds = new Set<string>();
    const wish = this.model.begin({ user, project, vote, key, requestIds });
    const fingerprint = `${vote} ${committed === true ? "committed" : "accepted"}`;
    const idempotency = key === undefined ? undefined : { key, fingerprint };
    const outcome = await replica
      .castVote({ projectId: project, userId: user, voteType: vote, idempotency }, (id) => requestIds.add(id))
      .catch(() => null);
    // A process that is gone has answered nobody.
    if (outcome === null || replica.links.areDead) return this.model.end(wish);
    if (outcome.kind !== "answer") {
      wish.isRefused = true;
      return this.model.end(wish);
    }
    const { answer, replayed, degraded } = outcome;
    const answered = replayed ? this.model.replayed(wish, answer.requestId) : wish;
    answered.isAnswered = true;
    answered.isUnchanged = answer.action === "unchanged";
    answered.version = answer.version;
    if (!replayed) this.model.end(wish);
    if (degraded === true) await this.committed(answered, answer);
    else if (committed === true) this.waiting.push({ replica, answer, wish: answered });
  }

  /** Whoever waits for a commit is answered as soon as its replica finds it. */
  private async tellCommitted(): Promise<void> {
    if (this.waiting.length === 0) return;
    const waiting = this.waiting.filter(({ replica }) => !replica.links.areDead);
    this.waiting = [];
    for (const one of waiting) {
      await this.operations.run("commit", async () => {
        const isCommitted = await one.replica.isCommitted(one.answer).catch(() => false);
        if (isCommitted) await this.committed(one.wish, one.answer);
        else this.waiting.push(one);
      });
    }
  }

  /** Its user is told that PostgreSQL has the vote: then it must, now. */
  private async committed(wish: Wish, answer: VoteAnswer): Promise<void> {
    wish.isCommitted = true;
    const { rows } = await this.stores.pool.query("SELECT FROM vote_events WHERE request_id = $1", [answer.requestId]);
    if (rows.length > 0) return;
    const what = `${wish.user}'s ${wish.vote} on ${wish.project} (${answer.action}) was answered as committed`;
    this.model.report("committed", `${what}, and PostgreSQL does not have it`, null);
  }

  private async restart(name: ReplicaName): Promise<void> {
    const { links } = this.replica(name);
    const isCut = { redis: links.redis.isCut, postgres: links.postgres.isCut };
    this.replica(name).kill();
    const started = this.startReplica(name);
    this.replicas.set(name, started);
    if (isCut.redis) started.links.redis.cut();
    if (isCut.postgres) started.links.postgres.cut();
    await this.attempt("start", () => started.trust.ensure());
  }

  private async loseRedis(isWiped: boolean): Promise<void> {
    const inPostgres = await wishesInPostgres(this.stores, "public");
    if (isWiped) await this.stores.wipeRedis();
    else await this.stores.putRedisBack();
    const inRedis = await wishesInRedis(this.stores);
    this.model.lose((wish) => inPostgres(wish) || inRedis(wish));
    for (const { links } of this.processes) links.redis.drop();
    await this.trustAgain();
  }

  /** Connections that are made anew, one after the other, and what each sets off by itself. */
  private async trustAgain(): Promise<void> {
    for (const [name, { trust, links }] of this.replicas) {
      if (!trust.isConnected || trust.isTrusted) continue;
      await this.attempt(`${name} trusts`, () => {
        links.redis.events.emit("ready");
        return trust.ensure();
      });
    }
  }

  private async losePostgres(): Promise<void> {
    const inCopy = await wishesInPostgres(this.stores, "copy");
    const inRedis = await wishesInRedis(this.stores);
    this.model.lose((wish) => inCopy(wish) || inRedis(wish));
    this.model.postgresWentBack = true;
    await Promise.all(this.processes.map(({ links }) => links.dropPostgres()));
    await this.operations.settle();
    await this.stores.putPostgresBack();
  }

  /** Everything is whole, and all loops run until they find nothing to do. */
  private async becomeQuiet(): Promise<void> {
    this.skewsMs.clear();
    for (const { links } of this.processes) links.heal();
    await this.operations.end();
    await this.trustAgain();
    let waitingBefore = 0;
    for (let round = 1; ; round++) {
      await this.stores.passTime(ROUND_US);
      const { found, waiting } = await this.round();
      // What waits for two rounds waits for a vote: it is held.
      if (!found && (waiting === 0 || waiting === waitingBefore)) break;
      waitingBefore = waiting;
      if (round < MAX_ROUNDS) continue;
      this.model.report("quiet", `after ${round} rounds the loops still find work`, null);
      break;
    }
    await this.loadHeld();
    await this.attempt("sync", () => this.scheduler.sync(true));
    await this.tellCommitted();
  }

  /** With everything whole and quiet nobody waits for a vote to load what is held; then it is loaded, to judge the rest. */
  private async loadHeld(): Promise<void> {
    const { redis, names } = this.stores;
    this.stores.tellTime();
    for (const project of PROJECTS) {
      if ((await redis.hexists(names.project(project), "held")) === 0) continue;
      const found = await this.replica("A")
        .load(project)
        .then(() => "until somebody votes")
        .catch((error: unknown) => `and cannot be loaded: ${error}`);
      this.model.report("held", `${project} stays held, ${found}`, null);
      await this.attempt("apply", () => this.worker.apply());
    }
  }

  /** A turn of every loop. @returns whether anything was found to do, and how many projects wait for something */
  private async round(): Promise<{ found: boolean; waiting: number }> {
    let found = false;
    let waiting = 0;
    const note = (work: () => Promise<boolean>) =>
      this.operations.run("round", async () => {
        // What fails is tried again in the next round.
        if (await work().catch(() => true)) found = true;
      });
    for (const { recovery } of this.replicas.values()) await note(() => recovery.runOnce());
    await note(async () => (await this.worker.apply()) > 0);
    await note(() => this.worker.retry());
    await note(() => this.scheduler.readPoints());
    await note(async () => {
      const reports = await this.scheduler.reconcile();
      waiting = reports.reduce((sum, report) => sum + report.waiting, 0);
      return reports.some(({ repaired }) => repaired.length > 0);
    });
    return { found, waiting };
  }
}
