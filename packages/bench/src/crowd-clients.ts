/**
 * A crowd that watches one project, in a process of its own, so that it does not share a thread with what loads or what is
 * measured. Its arguments are an address, the project and how many there are; what it is asked for stands in crowd-process.ts.
 */
import { io, type Socket } from "socket.io-client";
import type { Counts, CrowdQuestion, CrowdReport } from "./crowd-process.js";

const [url = "", project = "", sockets = "0"] = process.argv.slice(2);
const AT_ONCE = 50;
/** A machine that has just been under load may refuse some. */
const ATTEMPTS = 5;
/** Every so many sockets' messages are reported one by one. */
const SAMPLE_EVERY = 20;
const SECOND_US = 1_000_000;

class Member {
  versions: number[] = [];
  atMs: number[] = [];
  last: Counts | null = null;

  constructor(readonly socket: Socket) {
    socket.on("vote:cast", (counts: Counts) => {
      this.versions.push(counts.version);
      this.atMs.push(performance.timeOrigin + performance.now());
      this.last = counts;
    });
  }

  static async connect(): Promise<Member> {
    const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("connect_error", reject);
    });
    const member = new Member(socket);
    const { ok } = await socket.emitWithAck("subscribe", { projects: [project] });
    if (!ok) throw new Error("cannot subscribe");
    return member;
  }

  begin(): void {
    this.versions = [];
    this.atMs = [];
  }

  /** Messages within any second that begins with one, by the votes' own clock. */
  get mostWithinASecond(): number {
    let from = 0;
    return this.versions.reduce((most, version, i) => {
      while ((this.versions[from] as number) <= version - SECOND_US) from++;
      return Math.max(most, i - from + 1);
    }, 0);
  }
}

async function connected(attempt = 1): Promise<Member> {
  return Member.connect().catch((error: unknown) => {
    if (attempt === ATTEMPTS) throw error;
    return connected(attempt + 1);
  });
}

const members: Member[] = [];
while (members.length < Number(sockets)) {
  members.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => connected()))));
}

let begunAtMs = 0;
function report(): CrowdReport {
  const seconds = (performance.now() - begunAtMs) / 1_000;
  const lasts = new Set(members.map(({ last }) => JSON.stringify(last)));
  return {
    seconds,
    deliveries: members.reduce((sum, { versions }) => sum + versions.length, 0),
    mostWithinASecond: Math.max(...members.map((member) => member.mostWithinASecond)),
    lasts: [...lasts].map((last) => JSON.parse(last) as Counts | null),
    samples: members.filter((_, i) => i % SAMPLE_EVERY === 0).map(({ versions, atMs }) => ({ versions, atMs })),
  };
}

process.on("message", (question: CrowdQuestion) => {
  if (question === "begin") {
    for (const member of members) member.begin();
    begunAtMs = performance.now();
  }
  process.send?.(question === "report" ? report() : "done");
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
