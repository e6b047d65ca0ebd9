/** One HTTP request with its response, the same for HTTP/1.1 and HTTP/2. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { fail, Reason } from "../errors.js";
import { type LastBearer, noBearer } from "../identity/read-credential.js";
import { headerBytesMax, messageBytesMax, refusedBodyBufferBytes, refusedBodyDiscardBytes, refusedBodyDiscardMs, refusedUploadDiscardMs } from "../limits.js";
import { endWithTurn } from "./end-with-turn.js";

/** Header names (lower case) with one value each, in the order they are sent. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** Trailers, by lower-case name. */
export type Trailers = Readonly<Record<string, string>>;

/** What is kept of a connection from one request to the next. */
export interface Connection {
  /** Address of the peer; undefined on a Unix socket. */
  readonly address: string | undefined;
  readonly lastBearer: LastBearer;
}

/**
 * `size`: more header fields than may be (RFC 9113 section 10.5.1). `host`: none, more than one, or one that is none (RFC 9112
 * section 3.2; RFC 9113 section 8.3.1). `coding`: a transfer coding that is not known (RFC 9112 section 6.1).
 */
export type HeadFault = "size" | "host" | "coding";

const kept = Symbol("connection");

interface KeptAlive {
  [kept]?: Connection;
}

/** One HTTP request with its response. A response is either sent whole (`send`) or begun, written and ended. */
export abstract class Exchange {
  abstract readonly h2: boolean;
  /** Path as sent, not decoded; empty if the target is not in origin form. */
  readonly path: string;
  /** Query string without `?`. */
  readonly query: string;
  #controller: AbortController | undefined;

  protected constructor(
    readonly verb: string,
    /** The request target as sent. */
    readonly target: string,
    readonly headers: IncomingHttpHeaders,
    /** Names and values in turn, with what Node's own parser drops. */
    readonly rawHeaders: readonly string[],
    /** The request's body. */
    readonly source: Readable,
  ) {
    if (target.charCodeAt(0) !== 47) {
      this.path = "";
      this.query = "";
      return;
    }
    const mark = target.indexOf("?");
    this.path = mark < 0 ? target : target.slice(0, mark);
    this.query = mark < 0 ? "" : target.slice(mark + 1);
  }

  /** What is kept of the connection from one request to the next. */
  abstract get connection(): Connection;
  /** True if the request's body is known to be complete and empty. */
  protected abstract get bodiless(): boolean;
  /** True if nothing can be sent any more. */
  abstract get gone(): boolean;
  /** True if the caller went away before the response was whole. */
  abstract get cut(): boolean;
  /** Calls back once, when the exchange is over; `early` if the response was not whole by then. */
  protected abstract onOver(listener: (early: boolean) => void): void;
  /** Sends a whole response; trailers follow the body where given. */
  abstract send(status: number, headers: HeaderList, body: Uint8Array | string | undefined, trailers?: Trailers): void;
  /** Sends the head of a response whose body follows through the returned stream. Then call `end`. */
  abstract begin(status: number, headers: HeaderList, withTrailers: boolean): Writable;
  /** Ends a response that was begun. */
  abstract end(trailers?: Trailers): void;
  /** Breaks a response off, so that the caller cannot take it for whole. */
  abstract destroy(): void;
  /**
   * Gives up what is left of a body that is not going to be read; `send` and `end` do so themselves. Small bodies are read off so that the
   * connection lives on; a large one is discarded up to a bound and the connection (HTTP/1.1) or stream (HTTP/2) closed,
   * so that the caller reads the answer instead of a reset (AN-06; RFC 9110 section 9.5, RFC 9113 section 8.1).
   */
  abstract abandonBody(): void;
  /** To be called before the body is read: tells a caller to send it that waits to be told (RFC 9110 section 10.1.1). */
  abstract inviteBody(): void;
  /** What makes the head no request that can be served, whatever it asks for; undefined: nothing. */
  abstract get headFault(): HeadFault | undefined;

  /** The bytes of the body. Who stops early leaves the stream behind as it is, so that an answer can still be sent. */
  body(): AsyncIterable<Uint8Array> {
    return this.source.iterator({ destroyOnReturn: false });
  }

  /** The value of a header; the first of several. */
  header(name: string): string | undefined {
    const value = this.headers[name];
    return typeof value === "object" ? value[0] : value;
  }

  /** All values of a header, those that Node's own parser drops included. */
  values(name: string): string[] {
    if (this.headers[name] === undefined) return [];
    const raw = this.rawHeaders;
    const values: string[] = [];
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const key = raw[i]!;
      if (key.length === name.length && (key === name || key.toLowerCase() === name)) values.push(raw[i + 1]!);
    }
    return values;
  }

  /** Aborted when the caller goes away before the response ended (CALL_CANCELLED), or after `timeoutMs`, with `expired` as the reason. Made when first asked for. */
  signal(timeoutMs: number | undefined, expired: () => unknown): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      const deadline = timeoutMs === undefined ? undefined : setTimeout(() => controller.abort(expired()), timeoutMs);
      this.onOver((early) => {
        clearTimeout(deadline);
        if (early) controller.abort(fail(Reason.CALL_CANCELLED));
      });
    }
    return this.#controller.signal;
  }

  /** Declared length of the request's body in bytes; undefined if it has one of unknown length; 0 if it has none. */
  declaredBodyBytes(): number | undefined {
    const length = this.headers["content-length"];
    if (length !== undefined) return Number(length);
    return this.bodiless ? 0 : undefined;
  }
}

/** An exchange over HTTP/1.1. */
export class Http1Exchange extends Exchange {
  readonly h2 = false;
  /** Of a body that nobody reads: resolves when no more of it is waited for; true if it was whole by then. */
  #bodyOver: Promise<boolean> | undefined;
  #awaitsInvitation: boolean;
  #discard: DiscardBounds | undefined;
  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {
    super(request.method ?? "", request.url ?? "", request.headers, request.rawHeaders, request);
    // HTTP/1.0 knows no invitation (RFC 9110 section 10.1.1).
    this.#awaitsInvitation = request.headers.expect !== undefined && request.httpVersionMinor !== 0;
  }
  /** Of the size of a head its parser takes care. */
  get headFault(): HeadFault | undefined {
    const { headers, rawHeaders } = this;
    let hosts = 0;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!;
      if (name.length === 4 && name.toLowerCase() === "host") hosts++;
    }
    if (hosts === 1 ? !isHost(headers.host!) : hosts > 1 || this.request.httpVersionMinor !== 0) return "host";
    const coding = headers["transfer-encoding"];
    // Without chunks as the last of them nobody knows where the body ends: the parser refuses that by itself.
    return coding !== undefined && /,\s*chunked\s*$/i.test(coding) ? "coding" : undefined;
  }
  get connection(): Connection {
    const socket: Socket & KeptAlive = this.request.socket;
    return (socket[kept] ??= { address: socket.remoteAddress, lastBearer: noBearer() });
  }
  protected get bodiless(): boolean {
    return this.headers["transfer-encoding"] === undefined;
  }
  get gone(): boolean {
    return this.response.destroyed || this.response.headersSent;
  }
  get cut(): boolean {
    return this.response.closed && !this.response.writableFinished;
  }
  protected onOver(listener: (early: boolean) => void): void {
    if (this.response.closed) return listener(!this.response.writableFinished);
    this.response.once("close", () => listener(!this.response.writableFinished));
  }
  send(status: number, headers: HeaderList, body: Uint8Array | string | undefined, trailers?: Trailers): void {
    const { response } = this;
    if (this.gone) return;
    this.abandonBody();
    if (status < 400) this.#takeUpload();
    response.writeHead(status, flat(headers));
    if (trailers !== undefined) {
      response.addTrailers(trailers);
      // An answer that ends with its head has no room for trailers.
      response.flushHeaders();
    }
    if (this.#bodyOver === undefined) return endWithTurn({ response, body });
    if (body === undefined) response.flushHeaders();
    else response.write(body);
    this.#endAfter(this.#bodyOver);
  }
  begin(status: number, headers: HeaderList): Writable {
    if (!this.gone) {
      this.response.writeHead(status, flat(headers));
      this.response.flushHeaders();
    }
    return this.response;
  }
  end(trailers?: Trailers): void {
    if (trailers !== undefined) this.response.addTrailers(trailers);
    this.abandonBody();
    if (this.#bodyOver === undefined) this.response.end();
    else this.#endAfter(this.#bodyOver);
  }
  /**
   * Takes the whole of a body that nobody reads, up to the largest message. A browser hides from its page an answer that
   * overtakes its upload, unless it is 4xx or 5xx; and a refusal of gRPC-Web or of a stream is 200.
   */
  #takeUpload(): void {
    const bounds = this.#discard;
    if (bounds === undefined || this.headers.origin === undefined || (this.declaredBodyBytes() ?? Infinity) > messageBytesMax) return;
    bounds.bytesMax = messageBytesMax;
    clearTimeout(bounds.timer);
    bounds.timer = setTimeout(bounds.over, refusedUploadDiscardMs, false);
    this.request.resume();
  }
  /** Node closes a connection with the end of its last answer. While the caller still sends, that would be a reset which overtakes the answer. */
  #endAfter(bodyOver: Promise<boolean>): void {
    void bodyOver.then((whole) => {
      this.response.end();
      if (!whole) this.request.socket.destroySoon();
    });
  }
  destroy(): void {
    this.response.destroy();
  }
  inviteBody(): void {
    if (!this.#awaitsInvitation) return;
    this.#awaitsInvitation = false;
    this.response.writeContinue();
  }
  abandonBody(): void {
    const { request, response } = this;
    if (request.complete || this.#bodyOver !== undefined) return;
    if (this.#awaitsInvitation) {
      // Whether the body comes is open, so what follows on this connection could not be told apart.
      response.shouldKeepAlive = false;
      return;
    }
    const declared = this.declaredBodyBytes();
    if (declared === 0) return;
    leaveToFlow(request);
    if (declared !== undefined && declared <= refusedBodyBufferBytes) {
      request.resume();
      return;
    }
    // RPC clients send their small messages chunked: those connections live on if the rest arrives within the bounds.
    if (declared !== undefined) response.shouldKeepAlive = false;
    this.#bodyOver = new Promise((resolve) => {
      let discarded = 0;
      const over = (whole: boolean): void => {
        clearTimeout(bounds.timer);
        resolve(whole);
      };
      const bounds: DiscardBounds = { bytesMax: refusedBodyDiscardBytes, timer: setTimeout(over, refusedBodyDiscardMs, false), over };
      this.#discard = bounds;
      request.on("data", (chunk: Uint8Array) => {
        discarded += chunk.length;
        if (discarded >= bounds.bytesMax) request.pause();
      });
      request.resume();
      request.once("end", () => over(true));
      request.once("close", () => over(request.complete));
    });
  }
}

/** How much of a refused body is thrown away, and for how long. */
interface DiscardBounds {
  bytesMax: number;
  timer: NodeJS.Timeout;
  readonly over: (whole: boolean) => void;
}

/** An exchange over HTTP/2, straight on the stream. */
export class Http2Exchange extends Exchange {
  readonly h2 = true;
  #trailers: Trailers | undefined;
  #abandoned = false;
  constructor(
    private readonly stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
  ) {
    super(headers[":method"] as string, (headers[":path"] as string | undefined) ?? "", headers, rawHeaders, stream);
  }
  get headFault(): HeadFault | undefined {
    const { headers, rawHeaders } = this;
    // Each field counts for 32 octets more than it has (RFC 9113 section 6.5.2).
    let bytes = rawHeaders.length * 16;
    for (const text of rawHeaders) bytes += text.length;
    if (bytes > headerBytesMax) return "size";
    const { host } = headers;
    return host !== undefined && headers[":authority"] !== undefined && host.toLowerCase() !== (headers[":authority"] as string).toLowerCase() ? "host" : undefined;
  }
  get connection(): Connection {
    const session: (Http2Session & KeptAlive) | undefined = this.stream.session;
    // A session's socket is behind a proxy that makes every look at it dear. A stream that was reset has lost its session.
    if (session === undefined) return { address: undefined, lastBearer: noBearer() };
    return (session[kept] ??= { address: session.socket.remoteAddress, lastBearer: noBearer() });
  }
  protected get bodiless(): boolean {
    return this.stream.endAfterHeaders;
  }
  get gone(): boolean {
    return this.stream.destroyed || this.stream.closed || this.stream.headersSent;
  }
  get cut(): boolean {
    // Node itself ends the writable side of a stream that was reset: that it finished says nothing.
    return this.stream.aborted || (this.stream.closed && !this.stream.writableFinished);
  }
  protected onOver(listener: (early: boolean) => void): void {
    if (this.stream.closed) return listener(this.cut);
    const { stream } = this;
    const over = (): void => {
      stream.off("aborted", over);
      stream.off("close", over);
      listener(this.cut);
    };
    stream.on("aborted", over);
    stream.on("close", over);
  }
  override async *body(): AsyncGenerator<Uint8Array> {
    yield* super.body();
    // A stream that was reset ends like one that is whole.
    if (this.cut) throw fail(Reason.CALL_CANCELLED);
  }
  send(status: number, headers: HeaderList, body: Uint8Array | string | undefined, trailers?: Trailers): void {
    const { stream } = this;
    if (this.gone) return;
    this.abandonBody();
    const bare = trailers === undefined && (body === undefined || body.length === 0 || this.verb === "HEAD");
    stream.respond(fields(status, headers), { endStream: bare, waitForTrailers: trailers !== undefined });
    if (trailers !== undefined) stream.on("wantTrailers", () => sendTrailers(stream, trailers));
    if (!bare) stream.end(body);
  }
  begin(status: number, headers: HeaderList, withTrailers: boolean): Writable {
    const { stream } = this;
    if (!this.gone) {
      stream.respond(fields(status, headers), { waitForTrailers: withTrailers });
      if (withTrailers) stream.on("wantTrailers", () => sendTrailers(stream, this.#trailers ?? {}));
    }
    return stream;
  }
  end(trailers?: Trailers): void {
    this.#trailers = trailers;
    this.abandonBody();
    this.stream.end();
  }
  destroy(): void {
    this.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
  inviteBody(): void {
    if (this.headers.expect !== undefined && !this.gone) this.stream.additionalHeaders({ ":status": 100 });
  }
  abandonBody(): void {
    const { stream } = this;
    if (this.bodiless || this.#abandoned || stream.readableEnded || stream.closed) return;
    this.#abandoned = true;
    leaveToFlow(stream);
    let discarded = 0;
    stream.on("data", (chunk: Uint8Array) => {
      discarded += chunk.length;
      // Left unread, the stream's window stops the sender; what arrived is dropped with the stream.
      if (discarded >= refusedBodyDiscardBytes) stream.pause();
    });
    stream.resume();
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), refusedBodyDiscardMs);
    stream.once("end", () => clearTimeout(timer));
    stream.once("close", () => clearTimeout(timer));
  }
}

/** An iterator that nobody asks any more still listens, and keeps what it does not read from flowing. */
function leaveToFlow(source: Readable): void {
  source.removeAllListeners("readable");
}

function sendTrailers(stream: ServerHttp2Stream, trailers: Trailers): void {
  // The caller may have gone between the last byte and its trailers.
  if (!stream.destroyed && !stream.closed) stream.sendTrailers(trailers);
}

function flat(headers: HeaderList): string[] {
  const out: string[] = [];
  for (const [name, value] of headers) out.push(name, value);
  return out;
}

function fields(status: number, headers: HeaderList): Record<string, string | number | string[]> {
  const out: Record<string, string | number | string[]> = { ":status": status };
  for (const [name, value] of headers) {
    const before = out[name];
    out[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [String(before), value];
  }
  return out;
}

/** True if a Host could be one: nothing in it that ends an authority (RFC 3986 section 3.2). */
function isHost(host: string): boolean {
  return !/[\s/?#@\\]/.test(host);
}
