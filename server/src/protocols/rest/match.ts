/** Finds the route of a path and verb, and the values of its variables (google.api.http path templates). */
import type { RestRoute } from "@parapet/contract/rest/routes";
import type { Plan } from "../../gate/plan.js";

/** A route with its plan. */
export interface BoundRoute {
  readonly route: RestRoute;
  readonly plan: Plan;
  /** True if the body is raw bytes and not JSON. */
  readonly raw: boolean;
}

/** What a path and verb lead to. */
export type Match =
  | { readonly kind: "route"; readonly bound: BoundRoute; readonly variables: readonly (readonly [field: string, value: string])[] }
  /** The path exists with other verbs. */
  | { readonly kind: "verb"; readonly allow: readonly string[] }
  | { readonly kind: "malformed" }
  | { readonly kind: "none" };

interface Node {
  readonly literals: Map<string, Node>;
  star: Node | undefined;
  /** Routes that end in `**` here. */
  readonly rest: BoundRoute[];
  readonly ends: BoundRoute[];
}

const newNode = (): Node => ({ literals: new Map(), star: undefined, rest: [], ends: [] });

/** Makes the matcher. Literals win over `*`, `*` over `**`; conflicts were found when the routes were made. */
export function createMatcher(bound: readonly BoundRoute[]): (verb: string, path: string) => Match {
  const root = newNode();
  for (const entry of bound) {
    let node = root;
    let open = false;
    for (const part of entry.route.parts) {
      if (part === "**") {
        node.rest.push(entry);
        open = true;
        break;
      }
      if (part === "*") node = node.star ??= newNode();
      else {
        let next = node.literals.get(part);
        if (next === undefined) node.literals.set(part, (next = newNode()));
        node = next;
      }
    }
    if (!open) node.ends.push(entry);
  }

  return (verb, path) => {
    // Dot segments, empty segments and a trailing slash are other paths than the one that was meant (AZ-12).
    if (path.charCodeAt(0) !== 47) return { kind: "none" };
    const raw = path.slice(1).split("/");
    const last = raw.length - 1;
    const colon = raw[last]!.lastIndexOf(":");
    const candidates: { entry: BoundRoute; action: string }[] = [];
    if (colon >= 0) {
      const cut = [...raw.slice(0, last), raw[last]!.slice(0, colon)];
      collect(root, cut, 0, raw[last]!.slice(colon + 1), candidates);
    }
    collect(root, raw, 0, "", candidates);
    if (candidates.length === 0) return { kind: "none" };
    const chosen = candidates.find(({ entry }) => entry.route.verb === verb);
    if (chosen === undefined) return { kind: "verb", allow: [...new Set(candidates.map(({ entry }) => entry.route.verb))].sort() };
    const segments = chosen.action === "" ? raw : [...raw.slice(0, last), raw[last]!.slice(0, colon)];
    const { route } = chosen.entry;
    const variables: [string, string][] = [];
    for (const { field, from, to } of route.variables) {
      // A variable of one segment is decoded whole; one of several keeps encoded slashes apart from real ones.
      const open = route.parts[to - 1] === "**";
      const slice = segments.slice(from, open ? segments.length - (route.parts.length - to) : to);
      try {
        variables.push([field, slice.length === 1 && !open ? decodeURIComponent(slice[0]!) : slice.map(decodeKeepingSlash).join("/")]);
      } catch {
        return { kind: "malformed" };
      }
    }
    return { kind: "route", bound: chosen.entry, variables };
  };
}

function collect(node: Node, segments: readonly string[], at: number, action: string, found: { entry: BoundRoute; action: string }[]): void {
  if (at === segments.length) {
    for (const entry of node.ends) if (entry.route.action === action) found.push({ entry, action });
  } else {
    const segment = segments[at]!;
    const literal = node.literals.get(segment);
    if (literal !== undefined) collect(literal, segments, at + 1, action, found);
    if (node.star !== undefined && segment !== "" && segment !== "." && segment !== "..") collect(node.star, segments, at + 1, action, found);
  }
  if (at <= segments.length) {
    for (const entry of node.rest) {
      const tail = segments.slice(at);
      if (entry.route.action === action && !tail.some((segment) => segment === "." || segment === "..")) found.push({ entry, action });
    }
  }
}

function decodeKeepingSlash(segment: string): string {
  return decodeURIComponent(segment.replace(/%2f/gi, "%252F"));
}
