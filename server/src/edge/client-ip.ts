/** The address a call is attributed to: the right-most hop that is not a trusted proxy. */
import { BlockList, isIP } from "node:net";

/** Strips the IPv4-mapped prefix, brackets and zone of an address; undefined if it is none. */
export function plainAddress(text: string): string | undefined {
  let address = text.trim();
  if (address.startsWith("[") && address.endsWith("]")) address = address.slice(1, -1);
  const zone = address.indexOf("%");
  if (zone >= 0) address = address.slice(0, zone);
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address);
  if (mapped) address = mapped[1]!;
  return isIP(address) === 0 ? undefined : address.toLowerCase();
}

/** Parses a list of addresses and CIDR blocks. Throws a RangeError that names the bad entry. */
export function parseProxies(list: readonly string[]): BlockList {
  const proxies = new BlockList();
  for (const entry of list) {
    const [text = "", bits] = entry.split("/");
    const family = isIP(text);
    const prefix = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits);
    if (family === 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits)) || prefix > (family === 4 ? 32 : 128)) {
      throw new RangeError(`not an address or CIDR block: ${entry}`);
    }
    proxies.addSubnet(text, prefix, family === 4 ? "ipv4" : "ipv6");
  }
  return proxies;
}

function isTrusted(proxies: BlockList, address: string): boolean {
  return proxies.check(address, isIP(address) === 4 ? "ipv4" : "ipv6");
}

/** Resolves the client's address. An untrusted peer's forwarding headers are ignored, and reported once. */
export function createClientIp(trusted: readonly string[], onIgnored: (peer: string) => void): (peer: string | undefined, forwardedFor: readonly string[]) => string {
  const proxies = parseProxies(trusted);
  let reported = false;
  // Calls come in rows from one peer.
  let lastPeer = "";
  let lastAddress = "";
  const addressOf = (peer: string): string => {
    if (peer !== lastPeer) {
      lastPeer = peer;
      lastAddress = plainAddress(peer) ?? "0.0.0.0";
    }
    return lastAddress;
  };
  return (peer, forwardedFor) => {
    // A Unix socket has no peer address: file permissions authenticate it, and a proxy in front of it is not known.
    const address = peer === undefined ? "127.0.0.1" : addressOf(peer);
    if (forwardedFor.length === 0) return address;
    if (trusted.length === 0 || !isTrusted(proxies, address)) {
      if (!reported) {
        reported = true;
        onIgnored(address);
      }
      return address;
    }
    const hops = forwardedFor.join(",").split(",");
    let client = address;
    for (let i = hops.length - 1; i >= 0; i--) {
      const hop = plainAddress(hops[i]!);
      // Anything that is not a bare address (host names, ip:port, obfuscated ids) ends the chain we can trust.
      if (hop === undefined) return client;
      client = hop;
      if (!isTrusted(proxies, hop)) return client;
    }
    return client;
  };
}
