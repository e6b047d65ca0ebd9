/** Kinds of value that name a place on the network: listen addresses, CIDR ranges, browser origins. */
import { BlockList, isIP, isIPv4 } from "node:net";
import type { Kind } from "./kinds.js";

/** Where the server listens on TCP. */
export interface ListenAddress {
  /** As it was written, e.g. `localhost`; empty for every interface. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** What to bind. `localhost` is both loopback addresses, of which a machine may lack the second; empty: every interface. */
  readonly hosts: readonly string[];
  /** True if only this machine can connect. */
  readonly loopback: boolean;
}

const wantedAddress = "host:port, such as localhost:11023, [::1]:11023 or :11023 for every interface";

/** `host:port`; `:port` is every interface, `[…]:port` an IPv6 address, port 0 any free port. */
export const listenAddress: Kind<ListenAddress> = {
  name: "address",
  read: (given) => {
    const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(given) ?? [];
    const port = Number(digits ?? Number.NaN);
    if (!(port <= 65_535)) return { wanted: wantedAddress };
    if (bracketed !== undefined && isIP(bracketed) !== 6) return { wanted: wantedAddress };
    const host = (bracketed ?? plain ?? "").toLowerCase();
    if (/^[\d.]+$/.test(host) && !isIPv4(host)) return { wanted: wantedAddress };
    if (host === "localhost") return { value: { host, port, hosts: ["127.0.0.1", "::1"], loopback: true } };
    return { value: { host, port, hosts: host === "" ? [] : [host], loopback: isLoopbackAddress(host) } };
  },
  print: ({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`,
};

const loopbackRanges = new BlockList();
loopbackRanges.addSubnet("127.0.0.0", 8, "ipv4");
loopbackRanges.addAddress("::1", "ipv6");

/** True for an address of 127.0.0.0/8 or ::1, written in any way. */
export function isLoopbackAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && loopbackRanges.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** A range of addresses. */
export interface Cidr {
  /** Its first address. */
  readonly address: string;
  /** Leading bits that all its addresses share. */
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

/** A CIDR range (RFC 4632), read strictly: no port, no host bits, no IPv4-mapped IPv6, never everybody. One address is a range of itself. */
export const cidr: Kind<Cidr> = {
  name: "CIDR range",
  read: (given) => {
    const [, address, digits] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(given) ?? [];
    const family = address === undefined ? 0 : isIP(address);
    const bits = family === 4 ? 32 : 128;
    const prefix = digits === undefined ? bits : Number(digits);
    if (address === undefined || family === 0 || prefix > bits) return { wanted: "an address or a range, such as 10.0.0.0/8 or fd00::/8, without a port" };
    if (prefix === 0) return { wanted: "a range smaller than everybody" };
    if (/^::ffff:/i.test(address)) return { wanted: "an IPv4 range in IPv4 spelling" };
    if (hasHostBits(address, family === 4, prefix)) return { wanted: `the first address of the /${prefix}, without bits to the right of it` };
    return { value: { address, prefix, family: family === 4 ? "ipv4" : "ipv6" } };
  },
  print: ({ address, prefix }) => `${address}/${prefix}`,
};

function hasHostBits(address: string, four: boolean, prefix: number): boolean {
  const width = four ? 8 : 16;
  return groupsOf(address, four).some((group, index) => {
    const inside = Math.min(width, Math.max(0, prefix - index * width));
    return (group & ((1 << (width - inside)) - 1)) !== 0;
  });
}

/** The octets of an IPv4 address, or the eight groups of an IPv6 address. */
function groupsOf(address: string, four: boolean): number[] {
  if (four) return address.split(".").map(Number);
  const [head = "", tail] = toHexGroups(address).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const middle = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...middle, ...right].map((group) => Number.parseInt(group, 16));
}

/** Rewrites a dotted tail (RFC 4291 section 2.2) as two groups. */
function toHexGroups(address: string): string {
  const [, head, dotted] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
  if (dotted === undefined) return address;
  const [a, b, c, d] = dotted.split(".").map(Number) as [number, number, number, number];
  return `${head}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}

/** The origin of a browser page (RFC 6454), or `*` for all of them. */
export const origin: Kind<string> = {
  name: "origin",
  read: (given) => {
    if (given === "*") return { value: given };
    const url = URL.canParse(given) ? new URL(given) : undefined;
    const bare = url !== undefined && /^https?:$/.test(url.protocol) && (given === url.origin || given === `${url.origin}/`);
    return bare ? { value: url.origin } : { wanted: "scheme and host, such as https://app.example.com, without a path" };
  },
  print: (value) => value,
};
