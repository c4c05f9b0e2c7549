/**
 * HTTP by hand over a plain socket: it can send what no HTTP library would let out of the house. One request per
 * connection; the answer is all that comes until the server closes.
 */
import { connect } from "node:net";

export interface RawRequest {
  method?: string;
  path: string;
  /** Written as they are, in this order; a list writes the header several times. */
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  /** `none`: neither Content-Length nor Transfer-Encoding is added. */
  framing?: "length" | "chunked" | "none";
}

export interface RawAnswer {
  status: number;
  /** By lower-case name. */
  headers: Map<string, string>;
  text: string;
}

/** Only tells an answer from none. */
const ANSWER_DEADLINE_MS = 30_000;
const CHUNK_BYTES = 16_384;

export function encodeRequest({ method = "GET", path, headers = {}, body, framing = "length" }: RawRequest): Buffer {
  const bytes = body === undefined ? undefined : Buffer.from(body as string);
  const all: Record<string, string | string[]> = { Host: "votes.test", Connection: "close", ...headers };
  if (bytes !== undefined && framing === "length") all["Content-Length"] = String(bytes.length);
  if (bytes !== undefined && framing === "chunked") all["Transfer-Encoding"] = "chunked";
  const lines = Object.entries(all).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
  if (bytes === undefined) return head;
  return Buffer.concat([head, framing === "chunked" ? chunked(bytes) : bytes]);
}

function chunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const chunk = bytes.subarray(at, at + CHUNK_BYTES);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
  }
  return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
}

/**
 * Sends the bytes and reads until the server closes.
 *
 * @param hangUp closes our half after the last byte, as a client does that gave up
 * @returns `null` when the server closed without a word
 */
export function exchange(
  port: number,
  bytes: Buffer | string,
  { deadlineMs = ANSWER_DEADLINE_MS, hangUp = false } = {},
): Promise<RawAnswer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1");
    const deadline = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no whole answer within ${deadlineMs} ms; so far: ${Buffer.concat(chunks).toString("latin1")}`));
    }, deadlineMs);
    socket.on("data", (chunk) => chunks.push(chunk));
    // A server that refuses what we still send resets the connection; its answer came before.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(deadline);
      resolve(chunks.length === 0 ? null : parseAnswer(Buffer.concat(chunks)));
    });
    if (hangUp) socket.end(bytes);
    else socket.write(bytes);
  });
}

function parseAnswer(bytes: Buffer): RawAnswer {
  const headEnd = bytes.indexOf("\r\n\r\n");
  const [statusLine = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const length = headers.get("content-length");
  const from = headEnd + 4;
  const end = length === undefined ? bytes.length : from + Number(length);
  return { status, headers, text: bytes.subarray(from, end).toString("utf8") };
}
