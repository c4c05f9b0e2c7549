/** What the key is made of; `randomUUID` exists only on https and localhost. */
export interface Randomness {
  randomUUID?: () => string;
  getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;
}

/** A key no other click has: 128 bits of the browser's randomness, as a UUID where it makes them. */
export function newIdempotencyKey(random: Randomness = crypto): string {
  if (random.randomUUID !== undefined) return random.randomUUID();
  const bytes = random.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
