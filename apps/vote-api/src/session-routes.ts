import { type AuthConfig, problem, signToken } from "@votesync/service-kit";
import type { Request, Response } from "express";
import { v4 as uuidv4 } from "uuid";

const GUEST_TOKEN_S = 30 * 86_400;

/** `POST /api/session/guest`: a user id and a token for somebody who only wants to vote. */
export function guestSession(config: AuthConfig) {
  return async (_req: Request, res: Response): Promise<void> => {
    if (!config.AUTH_GUEST) throw problem(403, "Guest sessions are switched off here (AUTH_GUEST).");
    const user_id = `guest:${uuidv4()}`;
    const token = await signToken(config, { sub: user_id, role: "guest", expiresIn: GUEST_TOKEN_S });
    const expires_at = new Date(Date.now() + GUEST_TOKEN_S * 1_000).toISOString();
    res.status(201).json({ status: "success", data: { token, user_id, expires_at } });
  };
}
