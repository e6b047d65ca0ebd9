/** Which addresses count as one source. */
import { isIPv4, isIPv6 } from "node:net";

/**
 * The source that an address belongs to: an IPv4 address by itself, an IPv4-mapped one as the IPv4 address in it, any other
 * IPv6 address by its /64, since that is what one customer gets at least (RL-19). Undefined if the text is no address.
 *
 * A customer may hold a /56 or a /48 and rotate through its /64s; budgets for those, wider and nested around this one, are a
 * later addition to the limiter, not to this function.
 */
export function sourceOf(address: string): string | undefined {
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return undefined;
  const groups = groupsOf(address);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return [groups[6]! >> 8, groups[6]! & 0xff, groups[7]! >> 8, groups[7]! & 0xff].join(".");
  return `${groups.slice(0, 4).map((group) => group.toString(16)).join(":")}::/64`;
}

/** The eight groups of a valid IPv6 address (RFC 4291 section 2.2); a zone is left out. */
function groupsOf(address: string): number[] {
  const [bare = ""] = address.split("%");
  const [head = "", tail] = bare.split("::");
  const left = parse(head);
  const right = parse(tail ?? "");
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function parse(part: string): number[] {
  if (part === "") return [];
  return part.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}
