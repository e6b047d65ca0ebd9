// The tracing hooks with OpenTelemetry's own tracer: they fit its types, and their spans stand where they belong.

import * as api from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { Parapet } from "@parapet/sdk";
import { createTracingHooks } from "@parapet/sdk/tracing";

/** Makes two calls under one span, the second of which fails, and says what was recorded of them. */
export async function tracing(baseUrl: string, fetched: (url: string, init: RequestInit) => void): Promise<string[]> {
  const exporter = new InMemorySpanExporter();
  api.trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  api.propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const parapet = new Parapet({
    baseUrl,
    hooks: createTracingHooks(api),
    fetch: (url, init) => {
      fetched(url, init);
      return fetch(url, init);
    },
  });
  const work = api.trace.getTracer("a program").startSpan("its work");
  await api.context.with(api.trace.setSpan(api.context.active(), work), async () => {
    await parapet.system.getHealth();
    await parapet.auth.getMe().result();
  });
  work.end();
  return exporter.getFinishedSpans().map((span) => {
    const { spanId, traceId } = span.spanContext();
    const parent = span.parentSpanContext?.spanId === work.spanContext().spanId ? "under its work" : "alone";
    const status = String(span.attributes["http.response.status_code"]);
    const error = String(span.attributes["error.type"] ?? "no error");
    return `${span.name} ${parent}, ${String(api.SpanKind[span.kind])}, HTTP ${status}, ${error}, ${traceId}-${spanId}`;
  });
}
