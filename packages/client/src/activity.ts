/** Whether somebody is there: who moves, types or scrolls is; who has not for a while, or looks elsewhere, is not. */
import type { Clock } from "./clock.js";

const SIGNS = ["pointerdown", "pointermove", "keydown", "scroll", "touchstart", "focus"] as const;

export interface Activity {
  isActive(): boolean;
  /** Told when somebody comes back. @returns what ends the telling */
  onReturn(listener: () => void): () => void;
}

/** Outside a browser somebody is always there. */
export function watchActivity(clock: Clock, inactiveAfterMs: number): Activity {
  if (typeof window === "undefined") return { isActive: () => true, onReturn: () => () => undefined };
  let lastMs = clock.nowMs();
  const listeners = new Set<() => void>();
  const isActive = () => document.visibilityState === "visible" && clock.nowMs() - lastMs < inactiveAfterMs;
  const sign = () => {
    const wasAway = !isActive();
    lastMs = clock.nowMs();
    if (wasAway && isActive()) for (const listener of listeners) listener();
  };
  for (const name of SIGNS) window.addEventListener(name, sign, { passive: true, capture: true });
  document.addEventListener("visibilitychange", sign);
  return {
    isActive,
    onReturn: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
