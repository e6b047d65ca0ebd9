/** The life of a request: facts, CORS, route, gate, then the executor of its protocol. */
import type { RestRoute } from "@parapet/contract/rest/routes";
import { CredentialKind, Protocol, type Call } from "../call.js";
import { createCors } from "../edge/cors.js";
import type { RequestHandler } from "../edge/one-port.js";
import type { RequestFacts } from "../edge/request-facts.js";
import { fail, Failure, Reason, toFailure } from "../errors.js";
import type { Act } from "../gate/act.js";
import type { Applicant, Gate } from "../gate/gate.js";
import type { Plan } from "../gate/plan.js";
import { deadlineMsMax, headerBytesMax } from "../limits.js";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics.js";
import { withTurn } from "../turn.js";
import { type Added, addedBy, type Adding, allowedOf, merged } from "./added.js";
import * as connectRecognise from "./connect/recognise.js";
import { refuse as refuseConnect } from "./connect/refuse.js";
import { createConnectEsExecutor } from "./connect-es.js";
import { isUtf8 } from "./charset.js";
import { createDocumentAnswer, type StaticDocument } from "./documents.js";
import { acceptedEncodings } from "./encoding.js";
import { type Exchange, type HeadFault, type HeaderList, Http1Exchange, Http2Exchange } from "./exchange.js";
import { faultOfQuery } from "./query.js";
import * as grpcRecognise from "./grpc/recognise.js";
import { refuse as refuseGrpc } from "./grpc/refuse.js";
import * as grpcWebRecognise from "./grpc-web/recognise.js";
import { refuse as refuseGrpcWeb } from "./grpc-web/refuse.js";
import { faults, malformed, tooLarge } from "./malformed.js";
import { bytesOnWire, mediaType, messageBound, type Refuse, type Spelling } from "./protocol.js";
import { createRestExecutor, type Variables } from "./rest/execute.js";
import { isRawBody } from "./rest/decode.js";
import { createMatcher, type BoundRoute } from "./rest/match.js";
import { rest } from "./rest/recognise.js";
import { bareProblem, refuse as refuseRest } from "./rest/refuse.js";
import { createUnaryExecutor } from "./unary.js";

/** What dispatching needs. */
export interface DispatchOptions {
  readonly plans: readonly Plan[];
  readonly routes: readonly RestRoute[];
  readonly documents: ReadonlyMap<string, StaticDocument>;
  readonly gate: Gate;
  readonly act: Act;
  readonly factsOf: (exchange: Exchange) => RequestFacts;
  /** A fresh request id, for what has no request. */
  readonly newId: () => string;
  readonly corsOrigins: readonly string[];
  readonly defaultTenant: string;
  readonly messageBytesMax: number;
  readonly responseBytesMax: number;
  /** Which executor runs unary calls. Both give the same answers; the second exists to be compared with. */
  readonly unary: "fast" | "connect-es";
  /** Authentication is off: only this machine's own programs may call (DESIGN, the life of a request). */
  readonly localOnly: boolean;
  readonly metrics: Metrics;
  readonly shutdown: AbortSignal;
  readonly log: Log;
}

const spellings: ReadonlyMap<string, Spelling> = new Map([...grpcRecognise.spellings, ...grpcWebRecognise.spellings, ...connectRecognise.spellings]);

const refusers: Readonly<Record<Protocol, Refuse>> = {
  [Protocol.UNSPECIFIED]: refuseRest,
  [Protocol.NONE]: refuseRest,
  [Protocol.GRPC]: refuseGrpc,
  [Protocol.GRPC_WEB]: refuseGrpcWeb,
  [Protocol.CONNECT]: refuseConnect,
  [Protocol.REST]: refuseRest,
};

const noStore = ["cache-control", "no-store"] as const;
const noSniff = ["x-content-type-options", "nosniff"] as const;

/** Where a call goes, or why it goes nowhere. */
type Routed =
  | { readonly kind: "rpc"; readonly plan: Plan; readonly spelling: Spelling }
  | { readonly kind: "rest"; readonly plan: Plan; readonly spelling: Spelling; readonly bound: BoundRoute; readonly variables: Variables }
  | { readonly kind: "refused"; readonly spelling: Spelling; readonly failure: Failure; readonly headers?: HeaderList };

/** A request for a call. */
interface Asked {
  readonly exchange: Exchange;
  readonly route: Exclude<Routed, { kind: "refused" }>;
  readonly call: RequestCall;
  readonly timeoutMs: number | undefined | "malformed";
}

/** The handler of both HTTP servers. */
export interface Dispatch extends RequestHandler {
  /** Resolves when no call is running. */
  idle(): Promise<void>;
}

/** Makes the handler of both HTTP servers. */
export function createDispatch(options: DispatchOptions): Dispatch {
  const { plans, gate, act, factsOf, log, metrics } = options;
  const planByPath = new Map(plans.map((plan) => [plan.path, plan]));
  const planByName = new Map(plans.map((plan) => [plan.name, plan]));
  const bound: BoundRoute[] = options.routes.flatMap((route) => {
    const plan = planByName.get(route.method);
    return plan === undefined ? [] : [{ route, plan, raw: isRawBody(route, plan.input) }];
  });
  const match = createMatcher(bound);
  const documents = new Map([...options.documents].map(([path, document]) => [path, createDocumentAnswer(document)]));
  const cors = createCors(options.corsOrigins, (origin) => log.warn("origin refused; PARAPET_CORS_ORIGINS lists those that may call", { origin }));

  // No browser reads an answer to gRPC; each header costs there as much as a part of the call.
  const headersOf = (call: Call): HeaderList =>
    call.protocol === Protocol.GRPC ? [["x-request-id", call.requestId], noStore, ...call.responseHeaders] : [["x-request-id", call.requestId], noStore, noSniff, ...call.responseHeaders];
  const refuseCall = (exchange: Exchange, spelling: Spelling, call: Call, failure: Failure, adding?: Adding): void => {
    if (call.expired !== true) tell(exchange, spelling, call, failure, adding);
  };
  const tell = (exchange: Exchange, spelling: Spelling, call: Call, failure: Failure, adding?: Adding): void => {
    exchange.abandonBody();
    metrics.count(call.plan, call.protocol, failure.facts.code);
    const headers = [...headersOf(call), ...acceptedEncodings(failure, spelling)];
    refusers[spelling.protocol](exchange, spelling, failure, headers, addedTo(failure, spelling, headers, adding));
  };
  const connectEs = createConnectEsExecutor({
    plans,
    act,
    messageBytesMax: options.messageBytesMax,
    responseBytesMax: options.responseBytesMax,
    refuse: refuseCall,
    headersOf,
    shutdown: options.shutdown,
    log,
  });
  const executor = options.unary === "connect-es" ? connectEs : createUnaryExecutor({ plans, act, messageBytesMax: options.messageBytesMax, responseBytesMax: options.responseBytesMax, refuse: refuseCall, headersOf, rest: connectEs });
  const restExecutor = createRestExecutor({
    routes: bound,
    act,
    messageBytesMax: options.messageBytesMax,
    responseBytesMax: options.responseBytesMax,
    refuse: (exchange, call, failure, adding) => refuseCall(exchange, rest, call, failure, adding),
    headersOf,
  });

  const routed = (exchange: Exchange): Routed => {
    const plan = planByPath.get(exchange.path);
    if (plan !== undefined) return routeRpc(exchange, plan);
    const found = match(exchange.verb === "HEAD" ? "GET" : exchange.verb, exchange.path);
    switch (found.kind) {
      case "route":
        return contentTypeAllowed(exchange, found.bound) && (found.bound.raw || isUtf8(exchange.header("content-type")))
          ? { kind: "rest", plan: found.bound.plan, spelling: rest, bound: found.bound, variables: found.variables }
          : { kind: "refused", spelling: rest, failure: fail(Reason.CONTENT_TYPE_UNSUPPORTED, {}, { message: "send the body as application/json, in UTF-8" }) };
      case "verb":
        return { kind: "refused", spelling: rest, failure: fail(Reason.VERB_NOT_ALLOWED), headers: [["allow", found.allow.join(", ")]] };
      case "malformed":
        return { kind: "refused", spelling: rest, failure: fail(Reason.REQUEST_MALFORMED, {}, { message: "the path is not valid percent-encoding" }) };
      case "none": {
        // Whoever speaks gRPC must hear it in gRPC; JSON at an unknown path may be either, and gets a problem document.
        const spelling = spellings.get(mediaType(exchange.header("content-type")));
        return { kind: "refused", spelling: spelling !== undefined && (spelling.protocol !== Protocol.CONNECT || spelling.stream) ? spelling : rest, failure: fail(Reason.METHOD_UNKNOWN) };
      }
    }
  };

  /** What a request asks for; undefined if it was answered already. */
  const read = (exchange: Exchange): Asked | void => {
    const verdict = cors(exchange);
    if (verdict.kind === "preflight") return exchange.send(verdict.status, verdict.headers, undefined);
    const facts = factsOf(exchange);
    const route = routed(exchange);
    const extra: HeaderList = verdict.kind === "pass" ? verdict.headers : [];
    const { headFault } = exchange;
    if (headFault === "size") return refuseUnrouted(exchange, facts, route.spelling, headTooLarge(), extra);
    // Of HTTP itself callers hear as HTTP has it, and not again on a connection whose requests may be read otherwise elsewhere.
    if (headFault !== undefined) return refuseUnrouted(exchange, facts, rest, failuresOfHead[headFault](), exchange.h2 ? extra : [...extra, ["connection", "close"]]);
    if (verdict.kind === "refuse" || (options.localOnly && !isLocal(exchange))) {
      return refuseUnrouted(exchange, facts, route.spelling, fail(Reason.ORIGIN_REFUSED), extra);
    }
    if (route.kind === "refused") {
      const document = exchange.verb === "GET" || exchange.verb === "HEAD" ? documents.get(exchange.path) : undefined;
      if (document !== undefined) {
        return document(exchange, [["x-request-id", facts.requestId], ...extra]);
      }
      return refuseUnrouted(exchange, facts, route.spelling, route.failure, [...(route.headers ?? []), ...extra]);
    }
    const timeoutMs = deadlineOf(exchange, route.spelling);
    const call = new RequestCall(exchange, route.plan, route.spelling, facts, timeoutMs === "malformed" ? undefined : timeoutMs, options.defaultTenant, extra);
    return { exchange, route, call, timeoutMs };
  };

  /** The rest of a call's life, after the gate has spoken. */
  const proceed = ({ exchange, route, call, timeoutMs }: Asked, refusal: Failure | undefined): void | Promise<void> => {
    const { plan, spelling } = route;
    const messageBytesMax = messageBound(call, options.messageBytesMax);
    const refused =
      refusal ??
      (route.kind === "rpc" ? faultOfQuery(exchange) : undefined) ??
      (spelling.protocol === Protocol.CONNECT && !connectRecognise.isVersionKnown(exchange.verb, exchange.query, exchange.header("connect-protocol-version")) ? malformed(faults.versionUnknown) : undefined) ??
      (timeoutMs === "malformed" ? malformed(faults.deadlineUnreadable) : undefined) ??
      (tooLong(exchange, plan, spelling, messageBytesMax) ? tooLarge(messageBytesMax) : undefined);
    if (refused !== undefined) return act.settle(call, refused).then((failure) => refuseCall(exchange, spelling, call, failure));
    if (timeoutMs !== undefined) answerInTime(exchange, spelling, call);
    if (call.expired) return;
    exchange.inviteBody();
    return route.kind === "rpc" ? executor.execute(exchange, spelling, call) : restExecutor.execute(exchange, call, route.bound, route.variables);
  };

  /**
   * A deadline is answered when it passes, whoever still reads or works then; a change that is being made durable is waited
   * for. What a handler that does not heed its signal answers later, nobody hears.
   */
  const answerInTime = (exchange: Exchange, spelling: Spelling, call: RequestCall): void => {
    const { signal } = call;
    const expire = (): void => {
      const { reason } = signal as { readonly reason: unknown };
      if (!(reason instanceof Failure) || reason.reason !== Reason.DEADLINE_PASSED || call.recorded !== "not yet" || exchange.gone) return;
      call.expired = true;
      act
        .settle(call, reason)
        .then((failure) => tell(exchange, spelling, call, failure))
        .catch((cause: unknown) => log.error("a deadline was not answered", { cause }));
    };
    if (signal.aborted) expire();
    else signal.addEventListener("abort", expire, { once: true });
  };

  const refuseUnrouted = (exchange: Exchange, facts: RequestFacts, spelling: Spelling, failure: Failure, headers: HeaderList): void => {
    exchange.abandonBody();
    refusers[spelling.protocol](exchange, spelling, failure, [["x-request-id", facts.requestId], ["cache-control", "no-store"], ["x-content-type-options", "nosniff"], ...headers]);
  };

  // A number, not a set of them: V8 keeps a set's outgrown tables alive, and with them the calls that were in them.
  let running = 0;
  let idle: (() => void)[] = [];
  const over = (): void => {
    if (--running > 0) return;
    for (const tellIdle of idle) tellIdle();
    idle = [];
  };
  const broken = (exchange: Exchange, cause: unknown): void => {
    log.error("request failed outside its call", { cause: toFailure(cause) });
    if (exchange.gone) exchange.destroy();
    else exchange.send(500, [["content-length", "0"]], undefined);
  };
  const run = (asked: Asked, started: number, refusal: Failure | undefined): void => {
    const ended = (): void => {
      metrics.end(asked.call, started);
      over();
    };
    const failed = (cause: unknown): void => {
      ended();
      broken(asked.exchange, cause);
    };
    try {
      const outcome = proceed(asked, refusal);
      if (outcome instanceof Promise) outcome.then(ended, failed);
      else ended();
    } catch (cause) {
      failed(cause);
    }
  };
  // Code that runs for many requests in a row runs faster than code that alternates with the reading and writing of connections.
  const serveTurn = withTurn<Exchange>((exchanges) => {
    const applicants: Applicant[] = [];
    for (const exchange of exchanges) {
      try {
        const asked = read(exchange);
        if (asked === undefined) over();
        else {
          const started = metrics.start();
          applicants.push({ call: asked.call, headers: (name) => exchange.values(name), last: exchange.connection.lastBearer, decided: (refusal) => run(asked, started, refusal) });
        }
      } catch (cause) {
        over();
        broken(exchange, cause);
      }
    }
    gate.admit(applicants);
  });
  const serve = (exchange: Exchange): void => {
    running++;
    serveTurn(exchange);
  };
  return {
    http1(request, response) {
      // The exchange ends with its socket; whoever waits for it is told through the signal.
      request.on("error", ignore);
      response.on("error", ignore);
      serve(new Http1Exchange(request, response));
    },
    http2: (stream, headers, rawHeaders) => serve(new Http2Exchange(stream, headers, rawHeaders)),
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))),
    unreadable: (status, phrase) => bareProblem(unreadable[status]?.() ?? notHttp(), status, phrase, options.newId()),
  };
}

const headTooLarge = (): Failure => fail(Reason.MESSAGE_TOO_LARGE, { bytesMax: String(headerBytesMax) }, { message: `the header may have at most ${headerBytesMax} bytes` });
const failuresOfHead: Readonly<Record<Exclude<HeadFault, "size">, () => Failure>> = {
  host: () => malformed("the request must name one host"),
  coding: () => fail(Reason.ENCODING_UNSUPPORTED, {}, { message: "of transfer codings only chunked is read" }),
};
const notHttp = (): Failure => malformed("this is not an HTTP request");

/** What is said, by HTTP status, to a connection whose bytes are no request. */
const unreadable: Readonly<Record<number, () => Failure>> = {
  408: () => fail(Reason.DEADLINE_PASSED, {}, { message: "the request did not arrive in time" }),
  413: () => fail(Reason.MESSAGE_TOO_LARGE, {}, { message: "the extensions of a chunk are too long" }),
  431: headTooLarge,
};

function routeRpc(exchange: Exchange, plan: Plan): Routed {
  if (exchange.verb === "POST") {
    const spelling = spellings.get(mediaType(exchange.header("content-type")));
    const unary = plan.desc.methodKind === "unary";
    // Connect spells unary calls and streams differently; the gRPC family does not.
    if (spelling === undefined || (spelling.protocol === Protocol.CONNECT && spelling.stream === unary) || (spelling.codec === "json" && !isUtf8(exchange.header("content-type")))) {
      return { kind: "refused", spelling: connectRecognise.unaryJson, failure: fail(Reason.CONTENT_TYPE_UNSUPPORTED), headers: [["accept-post", acceptPost(unary)]] };
    }
    return { kind: "rpc", plan, spelling };
  }
  const readable = !plan.sideEffects && plan.desc.methodKind === "unary";
  if (readable && (exchange.verb === "GET" || exchange.verb === "HEAD")) {
    const spelling = connectRecognise.ofQuery(exchange.query);
    return spelling === undefined
      ? { kind: "refused", spelling: connectRecognise.unaryJson, failure: fail(Reason.CONTENT_TYPE_UNSUPPORTED, {}, { message: "a GET names its encoding in the query: json or proto" }) }
      : { kind: "rpc", plan, spelling };
  }
  return { kind: "refused", spelling: connectRecognise.unaryJson, failure: fail(Reason.VERB_NOT_ALLOWED), headers: [["allow", readable ? "GET, POST" : "POST"]] };
}

/** What a handler added before it failed, and what its ConnectError carries: trailers in the gRPC family, headers elsewhere. */
function addedTo(failure: Failure, { protocol }: Spelling, own: HeaderList, adding: Adding | undefined): Added | undefined {
  const added = adding === undefined ? undefined : addedBy(adding, own);
  const { fields } = failure.options;
  if (fields === undefined) return added;
  const { headers, trailers } = added ?? { headers: [], trailers: [] };
  const carried = allowedOf(fields, own);
  return protocol === Protocol.GRPC || protocol === Protocol.GRPC_WEB ? { headers, trailers: merged(trailers, carried) } : { headers: merged(headers, carried), trailers };
}

function acceptPost(unary: boolean): string {
  return [...spellings].filter(([, spelling]) => spelling.protocol !== Protocol.CONNECT || spelling.stream !== unary).map(([type]) => type).join(", ");
}

/**
 * Bodies that do not say they are JSON are read as JSON only where a page of another site cannot have sent them: with a
 * credential that a plain form cannot carry, or to a method that spends an account's budget and answers nothing but a token.
 */
function contentTypeAllowed(exchange: Exchange, bound: BoundRoute): boolean {
  if (bound.route.body === "" || exchange.declaredBodyBytes() === 0) return true;
  const type = mediaType(exchange.header("content-type"));
  if (type === "application/json" || type.endsWith("+json") || type === "application/x-ndjson") return true;
  if (exchange.header("authorization") !== undefined || exchange.header("x-api-key") !== undefined) return true;
  // Raw bytes may be of any type but those that a form sends.
  if (bound.raw && !formTypes.has(type)) return true;
  return bound.plan.limit?.accountOf !== undefined;
}

/** What a page may send to another site without asking (Fetch, CORS-safelisted request-header), and no type at all. */
const formTypes: ReadonlySet<string> = new Set(["", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]);

function deadlineOf(exchange: Exchange, spelling: Spelling): number | undefined | "malformed" {
  if (spelling.protocol === Protocol.REST) return undefined;
  const sent =
    spelling.protocol === Protocol.CONNECT ? connectRecognise.timeoutMs(exchange.header("connect-timeout-ms")) : grpcRecognise.timeoutMs(exchange.header("grpc-timeout"));
  return typeof sent === "number" ? Math.min(sent, deadlineMsMax) : sent;
}

/** A declared length beyond any message is refused before it is sent; streams may be longer than their messages. */
function tooLong(exchange: Exchange, plan: Plan, spelling: Spelling, bytesMax: number): boolean {
  const declared = exchange.declaredBodyBytes();
  return declared !== undefined && declared > bytesOnWire(bytesMax, spelling) && (plan.desc.methodKind === "unary" || plan.desc.methodKind === "server_streaming");
}

/** The call of one request. */
class RequestCall implements Call {
  readonly protocol: Protocol;
  readonly requestId: string;
  readonly traceId: string;
  readonly clientIp: string;
  readonly userAgent: string;
  readonly idempotencyKey: string;
  readonly deadlineMs: number | undefined;
  principal: Call["principal"] = undefined;
  credential = noCredential;
  rule = "";
  limit: Call["limit"] = undefined;
  readonly audit: Call["audit"];
  recorded: Call["recorded"] = "not yet";
  acted = false;
  expired = false;
  describe: Call["describe"] = undefined;
  readonly responseHeaders: [string, string][] = [];
  constructor(
    private readonly exchange: Exchange,
    readonly plan: Plan,
    spelling: Spelling,
    facts: RequestFacts,
    private readonly timeoutMs: number | undefined,
    public tenant: string,
    extra: HeaderList,
  ) {
    this.protocol = spelling.protocol;
    this.requestId = facts.requestId;
    this.traceId = facts.traceId;
    this.clientIp = facts.clientIp;
    this.userAgent = facts.userAgent;
    this.idempotencyKey = exchange.header("idempotency-key") ?? "";
    this.audit = { resource: plan.audit.resource(undefined), collection: "", key: "", claimedName: "", notes: [] };
    for (const [name, value] of extra) this.responseHeaders.push([name, value]);
    if (timeoutMs === undefined) return;
    this.deadlineMs = performance.now() + timeoutMs;
    // A deadline must pass even if nobody asks for the signal.
    exchange.signal(timeoutMs, deadlinePassed);
  }
  ended(): Failure | undefined {
    if (this.deadlineMs !== undefined && performance.now() >= this.deadlineMs) return deadlinePassed();
    return this.exchange.cut ? fail(Reason.CALL_CANCELLED) : undefined;
  }
  get signal(): AbortSignal {
    return this.exchange.signal(this.timeoutMs, deadlinePassed);
  }
}

const noCredential: Call["credential"] = { kind: CredentialKind.NONE, id: "" };
const deadlinePassed = (): Failure => fail(Reason.DEADLINE_PASSED);

const loopbackHosts = new Set(["localhost", "127.0.0.1", "[::1]"]);
const forwarding = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/** True if the request came from a program on this machine and not through a proxy or a foreign page. */
function isLocal(exchange: Exchange): boolean {
  const host = exchange.header("host") ?? exchange.header(":authority") ?? "";
  if (!loopbackHosts.has(host.replace(/:\d+$/, "").toLowerCase())) return false;
  if (forwarding.some((name) => exchange.header(name) !== undefined)) return false;
  const site = exchange.header("sec-fetch-site");
  return site === undefined || site === "same-origin" || site === "none";
}

function ignore(): void {}
