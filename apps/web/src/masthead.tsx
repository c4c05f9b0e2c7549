import type { ReactNode } from "react";
import type { Place } from "./places.js";
import { Wordmark } from "./wordmark.js";

const LINKS: readonly { href: string; words: string; pages: readonly Place["page"][] }[] = [
  { href: "/", words: "Projects", pages: ["projects"] },
  { href: "/jam", words: "Jams", pages: ["jams", "jam", "host"] },
  { href: "/launch", words: "Launch", pages: ["launch"] },
  { href: "/leaderboard", words: "Leaderboard", pages: ["leaderboard"] },
];

export function Masthead({ place, children }: { place: Place; children: ReactNode }) {
  return (
    <header className="masthead">
      <Wordmark />
      <nav className="masthead-nav" aria-label="Pages">
        {LINKS.map(({ href, words, pages }) => (
          <a key={href} href={href} aria-current={pages.includes(place.page) ? "page" : undefined}>
            {words}
          </a>
        ))}
      </nav>
      {children}
    </header>
  );
}
