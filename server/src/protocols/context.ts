/** The context of a handler that runs without connect-es; nothing in it is made before a handler asks. */
import type { ContextKey, ContextValues, HandlerContext } from "@connectrpc/connect";
import { callKey, type Call } from "../call.js";
import type { Plan } from "../gate/plan.js";
import type { Adding } from "./added.js";
import type { Exchange } from "./exchange.js";

/** Values of one call: the call itself, and whatever a handler sets. */
class CallValues implements ContextValues {
  #others: Map<symbol, unknown> | undefined;
  constructor(private readonly call: Call) {}
  get<T>(key: ContextKey<T>): T {
    if (key.id === callKey.id) return this.call as T;
    return this.#others?.has(key.id) === true ? (this.#others.get(key.id) as T) : key.defaultValue;
  }
  set<T>(key: ContextKey<T>, value: T): this {
    (this.#others ??= new Map()).set(key.id, value);
    return this;
  }
  delete(key: ContextKey<unknown>): this {
    this.#others?.delete(key.id);
    return this;
  }
}

/** The context of one call. */
export class CallContext implements HandlerContext, Adding {
  readonly values: ContextValues;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;
  constructor(
    private readonly exchange: Exchange,
    private readonly call: Call,
    readonly protocolName: string,
    private readonly deadlineMs: number | undefined,
  ) {
    this.values = new CallValues(call);
  }
  get signal(): AbortSignal {
    return this.call.signal;
  }
  get method(): Plan["desc"] {
    return this.call.plan.desc;
  }
  get service(): Plan["desc"]["parent"] {
    return this.call.plan.desc.parent;
  }
  get requestMethod(): string {
    return this.exchange.verb;
  }
  get url(): string {
    return `http://localhost${this.exchange.target}`;
  }
  get requestHeader(): Headers {
    return (this.#requestHeader ??= headersOf(this.exchange));
  }
  get responseHeader(): Headers {
    return (this.#responseHeader ??= new Headers());
  }
  get responseTrailer(): Headers {
    return (this.#responseTrailer ??= new Headers());
  }
  /** Tells the milliseconds left, on the clock of `performance.now`. Handlers take it out of its context, as they may with connect-es. */
  get timeoutMs(): () => number | undefined {
    return () => (this.deadlineMs === undefined ? undefined : Math.max(0, this.deadlineMs - performance.now()));
  }
  /** Header fields that the handler added; undefined if it touched none. */
  get addedHeaders(): Headers | undefined {
    return this.#responseHeader;
  }
  /** Trailer fields that the handler added; undefined if it touched none. */
  get addedTrailers(): Headers | undefined {
    return this.#responseTrailer;
  }
}

/** The headers of a request as a handler reads them, without the pseudo-headers of HTTP/2. */
export function headersOf(exchange: Exchange): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(exchange.headers)) {
    if (value === undefined || name.charCodeAt(0) === 58) continue;
    if (Array.isArray(value)) for (const item of value) headers.append(name, item);
    else headers.set(name, value);
  }
  return headers;
}
