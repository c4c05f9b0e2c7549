/** Whether the device has a network, as far as it can tell. */
import type { Clock } from "./clock.js";

/** Outside a browser there is no telling: then it is assumed. */
export const isOnline = (): boolean => typeof navigator === "undefined" || navigator.onLine !== false;

export function untilOnline(clock: Clock, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      window.removeEventListener("online", done);
      cancel();
      resolve();
    };
    const cancel = clock.after(deadlineMs, done);
    window.addEventListener("online", done);
  });
}
