/** Whether either store went back in time and has not caught up: then the others compare what is old with what is new. */
import { setTimeout as delay } from "node:timers/promises";
import { checkShards } from "../shard-trust.js";
import type { Stores } from "../stores.js";
import { addFindings, type Check, type StoreBehind } from "./report.js";

const LOOK_AGAIN_MS = 500;

export const storesCheck: Check = {
  name: "stores",
  async run(stores, report, o) {
    const giveUpAtMs = performance.now() + o.patienceMs;
    let behind = await findBehind(stores);
    while (behind.length > 0 && performance.now() < giveUpAtMs) {
      await delay(LOOK_AGAIN_MS, undefined, { signal: o.signal });
      behind = await findBehind(stores);
    }
    addFindings(report, "stores", behind);
  },
};

async function findBehind(stores: Stores): Promise<StoreBehind[]> {
  return [...(await checkShards(stores))].flatMap(([shard, trust]): StoreBehind[] => {
    if (trust === "lost") return [{ store: "redis", shard }];
    return trust === "postgres-behind" ? [{ store: "postgres", shard }] : [];
  });
}
