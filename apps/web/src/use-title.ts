import { useEffect } from "react";

/** What tabs and the history call this page. */
export function useTitle(name: string | null): void {
  useEffect(() => {
    document.title = name === null ? "votesync" : `${name} · votesync`;
  }, [name]);
}
