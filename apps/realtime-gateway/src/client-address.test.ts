import type { IncomingMessage } from "node:http";
import { expect, test } from "@jest/globals";
import { networkOf } from "@votesync/service-kit";
import { clientAddress, trustProxySchema } from "./client-address.js";

const request = (remoteAddress: string, forwarded?: string) =>
  ({ headers: { "x-forwarded-for": forwarded }, socket: { remoteAddress } }) as unknown as IncomingMessage;

const CLAIMS = "1.1.1.1, 2.2.2.2, 10.0.0.7";

const CASES: [trustProxy: string, remote: string, forwarded: string | undefined, client: string][] = [
  ["", "10.0.0.1", CLAIMS, "10.0.0.1"],
  ["0", "10.0.0.1", CLAIMS, "10.0.0.1"],
  ["1", "10.0.0.1", undefined, "10.0.0.1"],
  ["1", "10.0.0.1", CLAIMS, "10.0.0.7"],
  ["2", "10.0.0.1", CLAIMS, "2.2.2.2"],
  ["9", "10.0.0.1", CLAIMS, "1.1.1.1"],
  ["loopback", "::ffff:127.0.0.1", CLAIMS, "10.0.0.7"],
  ["loopback", "10.0.0.1", CLAIMS, "10.0.0.1"],
  ["loopback, 10.0.0.0/8", "127.0.0.1", CLAIMS, "2.2.2.2"],
  ["uniquelocal,2.2.2.2", "fd00::1", CLAIMS, "1.1.1.1"],
  ["loopback", "::1", "not an address", "not an address"],
];

test.each(CASES)("with TRUST_PROXY=%s, %s forwarding for %s means %s", (trustProxy, remote, forwarded, client) => {
  expect(clientAddress(request(remote, forwarded), trustProxySchema.parse(trustProxy))).toBe(client);
});

test.each(["everybody", "10.0.0.0/64", "-1", "1.2.3"])("TRUST_PROXY=%s is refused", (trustProxy) => {
  expect(trustProxySchema.safeParse(trustProxy).success).toBe(false);
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8::6", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["not an address", "not an address"],
])("%s counts as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
