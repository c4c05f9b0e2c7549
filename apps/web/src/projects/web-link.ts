/** Where a project's address may lead: the web and nowhere else. A `javascript:` address must never become a link. */
export function webLink(url: string | null): URL | null {
  if (url === null || !URL.canParse(url)) return null;
  const parsed = new URL(url);
  return parsed.protocol === "https:" || parsed.protocol === "http:" ? parsed : null;
}
