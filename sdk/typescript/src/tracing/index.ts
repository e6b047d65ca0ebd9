/** OpenTelemetry spans, one for each attempt, without a dependency: the caller hands in what `@opentelemetry/api` exports. */
import type { Hooks } from "../runtime/hooks.js";

/** The part of an OpenTelemetry span that is used. */
export interface SpanLike {
  setAttribute(name: string, value: string | number): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

/** The part of `@opentelemetry/api` that is used: `import * as api from "@opentelemetry/api"` fits. `Context` is its own type. */
export interface OpenTelemetryApi<Context, Span extends SpanLike> {
  readonly context: { active(): Context };
  readonly trace: {
    getTracer(name: string, version?: string): { startSpan(name: string, options?: { kind?: number; attributes?: Record<string, string | number> }, context?: Context): Span };
    setSpan(context: Context, span: Span): Context;
  };
  readonly propagation: { inject<Carrier>(context: Context, carrier: Carrier, setter: { set(carrier: Carrier, name: string, value: string): void }): void };
}

/** SpanKind.CLIENT and SpanStatusCode.ERROR of `@opentelemetry/api`. */
const kindClient = 2;
const statusError = 2;

/** Codes as gRPC spells them; all but one are as Connect's, in capitals. */
const grpcCode = (code: string): string => (code === "canceled" ? "CANCELLED" : code.toUpperCase());

/**
 * Makes hooks that open a client span for each attempt under the active one, send its context along (`traceparent`), and close it with the outcome.
 * Names follow the OpenTelemetry semantic conventions for RPC, on REST those for HTTP. Requests, responses and credentials are never part of
 * a span: `url.full` is left out, since on REST it holds much of the request, and `url.template` stands for it.
 */
export function createTracingHooks<Context, Span extends SpanLike>(api: OpenTelemetryApi<Context, Span>): Hooks {
  const tracer = api.trace.getTracer("@parapet/sdk");
  return {
    attempt({ method, url, protocol, route, attempt, headers }) {
      const { protocol: scheme, hostname, port } = new URL(url);
      const parent = api.context.active();
      const isGrpc = protocol === "grpc" || protocol === "grpc-web";
      const attributes = {
        ...(route ? { "http.request.method": route.verb, "url.template": route.template } : { "rpc.system.name": isGrpc ? "grpc" : "connectrpc", "rpc.method": method }),
        "server.address": hostname,
        "server.port": Number(port) || (scheme === "https:" ? 443 : 80),
        ...(attempt > 1 ? { "http.request.resend_count": attempt - 1 } : {}),
      };
      const span = tracer.startSpan(route ? `${route.verb} ${route.template}` : method, { kind: kindClient, attributes }, parent);
      api.propagation.inject(api.trace.setSpan(parent, span), headers, { set: (carrier, key, value) => carrier.set(key, value) });
      return ({ status, requestId, code, reason }) => {
        if (status !== 0) span.setAttribute("http.response.status_code", status);
        if (requestId !== "") span.setAttribute("parapet.request_id", requestId);
        if (!route && (isGrpc || code !== undefined)) span.setAttribute("rpc.response.status_code", isGrpc ? grpcCode(code ?? "ok") : code!);
        if (code !== undefined) {
          span.setAttribute("error.type", reason ?? code);
          span.setStatus({ code: statusError });
        }
        span.end();
      };
    },
  };
}
