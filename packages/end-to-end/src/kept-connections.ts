/**
 * Posts votes over sockets that stay open, one request at a time on each, with no HTTP library in between: a test that
 * offers thousands a second must not measure its own client.
 */
import { connect, type Socket } from "node:net";
import type { AnswerBody } from "./installation.js";

const ANSWER_DEADLINE_MS = 10_000;
const HEAD_END = "\r\n\r\n";

export interface PostedAnswer {
  status: number;
  body: AnswerBody;
}

interface Waiting {
  resolve: (answer: PostedAnswer) => void;
  reject: (error: Error) => void;
}

/** One server's. Whoever waits for an answer when it ends gets an error. */
class KeptConnection {
  private readonly socket: Socket;
  private received = "";
  private waiting: Waiting | null = null;

  constructor(private readonly port: number) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true }).setEncoding("utf8");
    this.socket.setTimeout(ANSWER_DEADLINE_MS, () => this.socket.destroy());
    this.socket.on("data", (text: string) => this.receive(text));
    // Told by "close", which follows.
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => this.waiting?.reject(new Error("closed without an answer")));
  }

  get isOpen(): boolean {
    return !this.socket.destroyed && this.socket.writable;
  }

  post(path: string, token: string, body: string): Promise<PostedAnswer> {
    const head = [
      `POST ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${this.port}`,
      `Authorization: Bearer ${token}`,
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
    ].join("\r\n");
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(`${head}${HEAD_END}${body}`);
    });
  }

  /** Answers are ASCII, so characters are bytes. */
  private receive(text: string): void {
    this.received += text;
    const bodyAt = this.received.indexOf(HEAD_END) + HEAD_END.length;
    if (bodyAt < HEAD_END.length) return;
    const head = this.received.slice(0, bodyAt);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1]);
    if (this.received.length < bodyAt + length) return;
    const body = this.received.slice(bodyAt, bodyAt + length);
    this.received = this.received.slice(bodyAt + length);
    const { waiting } = this;
    this.waiting = null;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body: JSON.parse(body) as AnswerBody });
  }

  close(): void {
    this.socket.destroy();
  }
}

/** One client's: a connection to each server it talks to, made anew when it was lost. */
export class KeptConnections {
  private readonly byPort = new Map<number, KeptConnection>();

  /** Not again before the answer. */
  post(port: number, path: string, token: string, body: object): Promise<PostedAnswer> {
    const kept = this.byPort.get(port);
    const connection = kept?.isOpen ? kept : new KeptConnection(port);
    this.byPort.set(port, connection);
    return connection.post(path, token, JSON.stringify(body));
  }

  close(): void {
    for (const connection of this.byPort.values()) connection.close();
    this.byPort.clear();
  }
}
