/** Contrast is at least 4.5 to 1 in both colour schemes; targets are 44 px high, as fingers want them. */
export const VOTE_BUTTON_CSS = `
:host { display: inline-block; color-scheme: light dark; font: inherit; }
:host([hidden]) { display: none; }
div { display: inline-flex; align-items: center; gap: .25rem; border: 1px solid light-dark(#767d89, #7d8593);
  border-radius: var(--votesync-radius, .5rem); background: var(--votesync-background, light-dark(#fff, #15181e));
  color: var(--votesync-color, light-dark(#1b2430, #e8ecf2)); }
button { all: unset; box-sizing: border-box; min-width: 2.75rem; min-height: 2.75rem; text-align: center; cursor: pointer;
  border-radius: inherit; }
button:focus-visible { outline: 3px solid var(--votesync-accent, light-dark(#0b57d0, #8ab4f8)); outline-offset: 1px; }
button[aria-pressed="true"] { color: var(--votesync-accent, light-dark(#0b57d0, #8ab4f8)); font-weight: 700; }
button[hidden] { display: none; }
button:disabled { cursor: not-allowed; opacity: .6; }
output { min-width: 2ch; text-align: center; font-variant-numeric: tabular-nums; padding-inline: .25rem; }
:host([pending]) output { opacity: .75; }
span { margin-inline-start: .5rem; font-size: .875em; color: light-dark(#a3180f, #ffb4a9); }
span:empty { display: none; }
`;
