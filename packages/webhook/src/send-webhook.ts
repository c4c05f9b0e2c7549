/**
 * One message to an address that somebody configured: signed as the Standard Webhooks scheme says, bounded in time, and not
 * to where only this installation can reach. The address is looked at after its name was resolved and for the very connection,
 * so a name that points inside is refused too. Redirects are not followed.
 */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { useAgent } from "request-filtering-agent";
import { Webhook } from "standardwebhooks";

export interface WebhookTarget {
  url: string;
  /** Its bytes are the key. */
  secret: string;
  /** Private and loopback addresses too. */
  allowPrivate: boolean;
  timeoutMs: number;
}

export interface WebhookMessage {
  /** The same for every try: whoever gets it twice can tell. */
  id: string;
  /** `sync.failed`: what happened. */
  type: string;
  at: Date;
  data: object;
}

/** The message did not arrive, or was not taken; sending it again is safe. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
  constructor(what: string, cause?: unknown) {
    super(`the webhook ${what}`, { cause });
  }
}

/** Resolves when it was answered 2xx. @throws {WebhookError} */
export async function sendWebhook(target: WebhookTarget, message: WebhookMessage): Promise<void> {
  const { id, type, at, data } = message;
  const body = JSON.stringify({ type, timestamp: at.toISOString(), data });
  const status = await post(target, body, signed(target.secret, id, body)).catch((error: unknown) => {
    throw new WebhookError(`could not be sent: ${error instanceof Error ? error.message : String(error)}`, error);
  });
  if (status < 200 || status > 299) throw new WebhookError(`was answered ${status}`);
}

function signed(secret: string, id: string, body: string): Record<string, string> {
  const now = new Date();
  const signature = new Webhook(Buffer.from(secret, "utf8"), { format: "raw" }).sign(id, now, body);
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
}

/** @returns the answer's status; its body is of no interest, and not read */
function post(target: WebhookTarget, body: string, headers: Record<string, string>): Promise<number> {
  const { url, allowPrivate, timeoutMs } = target;
  const send = new URL(url).protocol === "https:" ? httpsRequest : httpRequest;
  const timeUp = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      agent: useAgent(url, { allowPrivateIPAddress: allowPrivate, allowMetaIPAddress: false }),
      signal: timeUp,
    });
    request.on("error", (error) => reject(timeUp.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error));
    request.on("response", (response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    request.end(body);
  });
}
