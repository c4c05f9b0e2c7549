/** A guest's id is a UUID; its first letters tell two guests apart. */
export function shortName(userId: string): string {
  return userId.replace(/^(guest:[\da-f]{6})[\da-f-]+$/, "$1");
}
