/**
 * Where a request really comes from. Behind a proxy every connection has the proxy's address; X-Forwarded-For tells the
 * client's, but only what a trusted proxy wrote into it can be believed. TRUST_PROXY takes the words vote-api takes.
 */
import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv6 } from "node:net";
import { z } from "zod";

/** Whether to believe what the hop at `address` says; hop 0 is the one connected to us. */
export type TrustsHop = (address: string, hop: number) => boolean;

const NAMED_RANGES: Record<string, string[]> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  linklocal: ["169.254.0.0/16", "fe80::/10"],
  uniquelocal: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
};

const RANGE = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);
const WORDS = "must be a number of hops, or a comma list of loopback, linklocal, uniquelocal, addresses and ranges";

/** A number of proxies in front, or a comma list of their addresses, ranges, `loopback`, `linklocal`, `uniquelocal`. */
export const trustProxySchema = z.union(
  [
    z
      .string()
      .regex(/^\d{0,2}$/)
      .transform(
        (hops): TrustsHop =>
          (_, hop) =>
            hop < Number(hops),
      ),
    z
      .string()
      .transform((list) => list.split(",").flatMap((item) => NAMED_RANGES[item.trim()] ?? [item.trim()]))
      .pipe(z.array(RANGE))
      .transform(trustsRanges),
  ],
  WORDS,
);

function trustsRanges(ranges: string[]): TrustsHop {
  const trusted = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    trusted.addSubnet(address, Number(bits ?? (family === "ipv6" ? 128 : 32)), family);
  }
  return (address) => isIP(address) !== 0 && trusted.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** The nearest address that no trusted proxy vouches for another one. */
export function clientAddress(request: IncomingMessage, trusts: TrustsHop): string {
  const forwarded = request.headers["x-forwarded-for"]?.toString().split(",") ?? [];
  let address = withoutMapping(request.socket.remoteAddress ?? "");
  for (const [hop, next] of forwarded.reverse().entries()) {
    if (!trusts(address, hop)) break;
    address = withoutMapping(next.trim());
  }
  return address;
}

/** `::ffff:10.0.0.1` is how a socket for both families writes 10.0.0.1. */
const withoutMapping = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, "");
