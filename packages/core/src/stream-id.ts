/**
 * Order of two stream ids, `<ms>-<sequence>`: negative when `a` comes first, 0 when they are the same.
 * Digit by digit it would be wrong: "10-0" comes after "9-0".
 */
export function compareStreamIds(a: string, b: string): number {
  const [aMs = "0", aSequence = "0"] = a.split("-");
  const [bMs = "0", bSequence = "0"] = b.split("-");
  return Number(aMs) - Number(bMs) || Number(aSequence) - Number(bSequence);
}
