/** What the edge establishes about a request before any decision: ids, address, agent. */
import { requestIdCharsMax, userAgentBytesMax } from "../limits.js";
import type { Exchange } from "../protocols/exchange.js";

/** Facts of a request, none of them a decision. */
export interface RequestFacts {
  /** Echoed from X-Request-Id if it is well formed, else fresh. */
  readonly requestId: string;
  /** Trace id of a valid W3C traceparent, else empty. */
  readonly traceId: string;
  readonly clientIp: string;
  readonly userAgent: string;
}

/** What establishing facts needs. */
export interface RequestFactsOptions {
  readonly newId: () => string;
  readonly clientIp: (peer: string | undefined, forwardedFor: readonly string[]) => string;
}

const wellFormedId = /^[A-Za-z0-9._:-]+$/;
const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;

/** Makes the function that establishes the facts of a request. */
export function createRequestFacts(options: RequestFactsOptions): (exchange: Exchange) => RequestFacts {
  return (exchange) => {
    const sent = exchange.header("x-request-id");
    const trace = exchange.header("traceparent");
    const agent = exchange.header("user-agent") ?? "";
    return {
      requestId: sent !== undefined && sent.length <= requestIdCharsMax && wellFormedId.test(sent) ? sent : options.newId(),
      traceId: trace === undefined ? "" : (traceparent.exec(trace)?.[1] ?? ""),
      clientIp: options.clientIp(exchange.connection.address, exchange.values("x-forwarded-for")),
      userAgent: agent.length > userAgentBytesMax ? agent.slice(0, userAgentBytesMax) : agent,
    };
  };
}
