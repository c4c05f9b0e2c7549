import { isIPv6 } from "node:net";

/** What counts as one address: of IPv6 the /64 network, since that is the least a customer has. */
export function networkOf(written: string): string {
  // How a socket for both families writes an address of the older one.
  const address = written.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter(Boolean);
  if (tail !== undefined) {
    const last = tail.split(":").filter(Boolean);
    groups.push(...Array<string>(8 - groups.length - last.length).fill("0"), ...last);
  }
  return groups.slice(0, 4).join(":");
}
