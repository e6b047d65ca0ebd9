/** Cross-origin rules (Fetch standard): preflights answered ahead of the gate, explicit origins only. */
import type { Exchange, HeaderList } from "../protocols/exchange.js";

const allowedHeaders = [
  "authorization",
  "x-api-key",
  "content-type",
  "accept",
  "connect-protocol-version",
  "connect-timeout-ms",
  "grpc-timeout",
  "x-grpc-web",
  "x-user-agent",
  "idempotency-key",
  "if-match",
  "if-none-match",
  "last-event-id",
  "x-request-id",
  "traceparent",
].join(", ");

/** Response headers that a page may read (ER-09). */
export const exposedHeaders = [
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
  "x-ratelimit-limit",
  "x-ratelimit-remaining",
  "x-ratelimit-reset",
  "ratelimit",
  "ratelimit-policy",
  "retry-after",
  "www-authenticate",
  "x-request-id",
  "x-total-count",
  "etag",
  "idempotency-replayed",
].join(", ");

/** What the rules say of one request. */
export type CorsVerdict =
  /** Not a cross-origin request, or an allowed one: add these headers. */
  | { readonly kind: "pass"; readonly headers: HeaderList }
  /** Answer this and nothing else. */
  | { readonly kind: "preflight"; readonly status: number; readonly headers: HeaderList }
  /** A foreign origin calls: refuse. */
  | { readonly kind: "refuse"; readonly origin: string };

const none: CorsVerdict = { kind: "pass", headers: [] };
const vary: readonly [string, string] = ["vary", "Origin"];

/** Makes the rules for a list of origins (`https://app.example.com`, or `*` outside production, then never with credentials). */
export function createCors(origins: readonly string[], onRefused: (origin: string) => void): (exchange: Exchange) => CorsVerdict {
  const allowed = new Set(origins.map((origin) => origin.toLowerCase()));
  const any = allowed.has("*");
  const passes = new Map<string, CorsVerdict>();
  const preflights = new Map<string, CorsVerdict>();
  const reported = new Set<string>();
  for (const origin of allowed) {
    const named: HeaderList = [["access-control-allow-origin", origin], ["access-control-expose-headers", exposedHeaders], vary];
    passes.set(origin, { kind: "pass", headers: named });
    preflights.set(origin, { kind: "preflight", status: 204, headers: [...named, ["access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE"], ["access-control-allow-headers", allowedHeaders], ["access-control-max-age", "7200"]] });
  }
  return (exchange) => {
    const origin = exchange.header("origin");
    if (origin === undefined) return none;
    const name = any ? "*" : origin.toLowerCase();
    const preflight = exchange.verb === "OPTIONS" && exchange.header("access-control-request-method") !== undefined;
    const verdict = (preflight ? preflights : passes).get(name);
    if (verdict !== undefined) return verdict;
    if (isOwnOrigin(exchange, origin)) return none;
    if (reported.size < 100 && !reported.has(origin)) {
      reported.add(origin);
      onRefused(origin);
    }
    return preflight ? { kind: "preflight", status: 403, headers: [vary] } : { kind: "refuse", origin };
  };
}

/** A page that this very server delivered. */
function isOwnOrigin(exchange: Exchange, origin: string): boolean {
  const host = exchange.header("host") ?? exchange.header(":authority");
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}
