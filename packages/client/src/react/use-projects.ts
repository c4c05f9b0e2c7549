import { useMemo } from "react";
import type { ShownProject } from "../project-book.js";
import type { Readable } from "../store.js";
import { useVoteClient } from "./provider.js";
import { useReadable } from "./use-readable.js";
import { useWatch } from "./use-watch.js";

type Shown = ShownProject | null | undefined;

/** Several projects at once, in the order of `ids`, for an order of one's own. Each is what `useVotes` has as `project`. */
export function useProjects(ids: readonly string[]): readonly Shown[] {
  const client = useVoteClient();
  useWatch({ projects: ids });
  const key = JSON.stringify(ids);
  const all = useMemo(() => together((JSON.parse(key) as string[]).map((id) => client.project(id))), [client, key]);
  return useReadable(all);
}

function together(parts: readonly Readable<Shown>[]): Readable<readonly Shown[]> {
  return {
    get: keptWhileSame(() => parts.map((part) => part.get())),
    initial: keptWhileSame(() => parts.map((part) => (part.initial ?? part.get)())),
    watch: (watcher) => {
      const ends = parts.map((part) => part.watch(watcher));
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

/** The same array as long as nothing in it has changed. */
function keptWhileSame(read: () => readonly Shown[]): () => readonly Shown[] {
  let last: readonly Shown[] = [];
  return () => {
    const now = read();
    if (now.length !== last.length || now.some((value, i) => value !== last[i])) last = now;
    return last;
  };
}
