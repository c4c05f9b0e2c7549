import type { ShownStream } from "@votesync/client";
import { webLink } from "../projects/web-link.js";

/** Screen readers hear of the next one. */
export function NowPlaying({ stream }: { stream: ShownStream | null }) {
  return (
    <section className="now-playing" aria-labelledby="playing-title" data-active={stream?.id ?? ""}>
      <h2 id="playing-title">Now playing</h2>
      <p aria-live="polite" data-testid="active">
        {stream === null ? <span className="quiet">Nothing yet</span> : <StreamLink stream={stream} />}
      </p>
    </section>
  );
}

export function StreamLink({ stream: { title, url } }: { stream: ShownStream }) {
  const link = webLink(url);
  if (link === null) return title;
  return (
    <a href={link.href} rel="noopener noreferrer nofollow" target="_blank">
      {title}
    </a>
  );
}
