/** Whether the device has a network, and whether the page is being left, as far as either can be told. */
import type { Clock } from "./clock.js";

/** Outside a browser there is no telling: then it is assumed. */
export const isOnline = (): boolean => typeof navigator === "undefined" || navigator.onLine !== false;

/** Resolves when there is a network again, or at the deadline. In a worker too, and where nobody tells. */
export function untilOnline(clock: Clock, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stopListening();
      cancel();
      resolve();
    };
    const cancel = clock.after(deadlineMs, done);
    const stopListening = onOnline(done);
  });
}

/** Told when there is a network again. @returns what ends the telling */
export const onOnline = (listener: () => void): (() => void) => onEvent(globalThis, "online", listener);

/** Told when the page may be gone in a moment; a phone tells only that it is hidden. @returns what ends the telling */
export function onLeaving(listener: () => void): () => void {
  if (typeof document === "undefined") return () => undefined;
  const stopPageHide = onEvent(globalThis, "pagehide", listener);
  const stopHidden = onEvent(document, "visibilitychange", () => {
    if (document.visibilityState === "hidden") listener();
  });
  return () => {
    stopPageHide();
    stopHidden();
  };
}

function onEvent(target: Partial<EventTarget>, name: string, listener: () => void): () => void {
  target.addEventListener?.(name, listener);
  return () => target.removeEventListener?.(name, listener);
}
