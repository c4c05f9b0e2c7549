/** Whether somebody is there: who moves, types or scrolls is; who has not for a while, or looks elsewhere, is not. */
import type { Clock } from "./clock.js";

const SIGNS = ["pointerdown", "pointermove", "keydown", "scroll", "touchstart", "focus"] as const;
const LISTENING = { passive: true, capture: true };

export interface Activity {
  isActive(): boolean;
  /** Told when somebody comes back. @returns what ends the telling */
  onReturn(listener: () => void): () => void;
  /** Looks no more. */
  close(): void;
}

/** Outside a browser somebody is always there. */
const ALWAYS: Activity = { isActive: () => true, onReturn: () => () => undefined, close: () => undefined };

export function watchActivity(clock: Clock, inactiveAfterMs: number): Activity {
  if (typeof window === "undefined" || typeof document === "undefined") return ALWAYS;
  let lastMs = clock.nowMs();
  const listeners = new Set<() => void>();
  const isActive = () => document.visibilityState === "visible" && clock.nowMs() - lastMs < inactiveAfterMs;
  let wasActive = true;
  const sign = () => {
    const wasAway = !wasActive || !isActive();
    lastMs = clock.nowMs();
    wasActive = isActive();
    if (wasAway && wasActive) for (const listener of [...listeners]) listener();
  };
  for (const name of SIGNS) window.addEventListener(name, sign, LISTENING);
  document.addEventListener("visibilitychange", sign);
  return {
    isActive,
    onReturn: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      for (const name of SIGNS) window.removeEventListener(name, sign, LISTENING);
      document.removeEventListener("visibilitychange", sign);
      listeners.clear();
    },
  };
}
