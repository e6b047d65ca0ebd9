/** One cleartext listener for HTTP/1.1 and HTTP/2: the first bytes decide which server gets the socket. */
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createHttp1Server, type IncomingHttpHeaders, type IncomingMessage, type Server as Http1Server, type ServerResponse } from "node:http";
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { afterWholeRequests, joinLine, lastAnswer } from "./answer-line.js";
import { allowHalfClosed, watchHalfClosed } from "./half-closed.js";
import { h2IdleTimeoutMs, h2StreamsMax, h2StreamTimeoutMs, headerBytesMax, headersTimeoutMs, keepAliveTimeoutMs, peekTimeoutMs, requestTimeoutMs } from "../limits.js";
import { withTurn } from "../turn.js";

/** Serves requests: one function for each HTTP version. */
export interface RequestHandler {
  readonly http1: (request: IncomingMessage, response: ServerResponse) => void;
  /** Straight on the stream: the objects of Node's HTTP/1.1 look-alike cost more than many a call. */
  readonly http2: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]) => void;
  /** The whole answer, head and body, to bytes that are no HTTP/1.1 request. Default: a status alone. */
  readonly unreadable?: (status: number, phrase: string) => string;
}

/** Time bounds that tests and configuration may tighten, in milliseconds. */
export interface OnePortTimeouts {
  readonly peekMs: number;
  readonly headersMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  readonly h2IdleMs: number;
  readonly h2StreamMs: number;
}

/** The listener with the two servers behind it. */
export interface OnePort {
  readonly listener: Server;
  /** Serves a connection that somebody else accepted. */
  accept(socket: Socket): void;
  /** Stops accepting, lets calls in flight end, and closes what is left after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
}

const defaults: OnePortTimeouts = {
  peekMs: peekTimeoutMs,
  headersMs: headersTimeoutMs,
  requestMs: requestTimeoutMs,
  keepAliveMs: keepAliveTimeoutMs,
  h2IdleMs: h2IdleTimeoutMs,
  h2StreamMs: h2StreamTimeoutMs,
};

const drainSweepMs = 50;

// RFC 9113 section 3.4. Three bytes tell it from every HTTP/1.1 method: PROPFIND and PROPPATCH share only two.
const preface = Buffer.from("PRI");

/** Makes the listener. It is not listening yet: call `listener.listen`. */
export function createOnePort(handler: RequestHandler, timeouts: Partial<OnePortTimeouts> = {}): OnePort {
  const bounds = { ...defaults, ...timeouts };
  const http1 = createHttp1(handler, bounds);
  const sessions = new Set<ServerHttp2Session>();
  const http2 = createHttp2(handler, bounds, sessions);
  const sockets = new Set<Socket>();

  let emptied: (() => void) | undefined;
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) emptied?.();
    });
    // Until a server owns the socket nobody else hears its errors.
    socket.on("error", ignore);
    dispatch(socket, bounds.peekMs, (isHttp2) => {
      socket.off("error", ignore);
      if (isHttp2) http2.emit("connection", socket);
      else {
        http1.emit("connection", socket);
        watchHalfClosed(socket);
        // The HTTP/2 session reads what was given back by itself; the HTTP/1.1 parser waits for the stream to flow.
        // Resumed within the event that paused it, Node loses count of pauses, and a body nobody reads fills memory.
        setImmediate(() => socket.resume());
      }
    });
  };
  const listener = createServer({ noDelay: true }, serve);
  // A server that never listens does not check its connections for time-outs; Node starts that check on this event.
  let checking = false;
  const check = (): void => {
    if (!checking) http1.emit("listening");
    checking = true;
  };
  listener.on("listening", check);

  return {
    listener,
    accept(socket) {
      if (emptied !== undefined) return void socket.destroy();
      check();
      socket.setNoDelay(true);
      serve(socket);
    },
    async drain(timeoutMs) {
      if (listener.listening) listener.close();
      const closed = new Promise<void>((resolve) => {
        emptied = resolve;
        if (sockets.size === 0) resolve();
      });
      for (const session of sessions) session.close();
      // Callers hear that their connection ends with the last answer that they wait for, or else with the next.
      for (const socket of sockets) {
        const response = lastAnswer(socket);
        if (response !== undefined) response.shouldKeepAlive = false;
      }
      http1.maxRequestsPerSocket = 1;
      http1.close();
      http1.closeIdleConnections();
      // A connection that was busy a moment ago is kept alive after its answer: look again until none is left.
      const sweep = setInterval(() => http1.closeIdleConnections(), drainSweepMs);
      const timer = setTimeout(() => {
        for (const session of sessions) session.destroy();
        for (const socket of sockets) socket.destroy();
      }, timeoutMs);
      await closed;
      clearTimeout(timer);
      clearInterval(sweep);
      http2.close();
    },
  };
}

/** Reads until the protocol is known, then gives the bytes back and decides. */
function dispatch(socket: Socket, peekMs: number, decide: (isHttp2: boolean) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), peekMs);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off("data", onData);
    socket.off("end", onEnd);
    socket.off("close", stop);
  };
  const onEnd = (): void => {
    stop();
    socket.destroy();
  };
  const onData = (chunk: Buffer): void => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const known = Math.min(seen.length, preface.length);
    const like = seen.compare(preface, 0, known, 0, known) === 0;
    if (like && seen.length < preface.length) return;
    stop();
    socket.pause();
    socket.unshift(seen);
    decide(like);
  };
  socket.on("data", onData);
  socket.once("end", onEnd);
  socket.once("close", stop);
}

function createHttp1(handler: RequestHandler, bounds: OnePortTimeouts): Http1Server {
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    if (joinLine(request.socket, response)) handler.http1(request, response);
  };
  const server = createHttp1Server(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: bounds.headersMs,
      requestTimeout: bounds.requestMs,
      keepAliveTimeout: bounds.keepAliveMs,
      connectionsCheckingInterval: Math.min(5_000, bounds.headersMs),
      noDelay: true,
      // The handler asks for it, and for no more than one.
      requireHostHeader: false,
    },
    serve,
  );
  allowHalfClosed(server);
  // Their size is bounded; a bound on their number would drop the last ones unseen, a second credential among them.
  server.maxHeadersCount = 0;
  // The handler tells callers that wait for it to send the body; Node would do so ahead of every decision.
  server.on("checkContinue", serve);
  const unreadable = new WeakSet<Socket>();
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
    // Every further byte is told as an error of its own.
    if (unreadable.has(socket)) return;
    unreadable.add(socket);
    // What came whole ahead of it is answered first: its caller must not take this for the answer.
    afterWholeRequests(socket, (unfinished) => {
      if (!socket.writable) return;
      // More came behind a request that was to be the last; it is nobody's (RFC 9112 section 9.6).
      if (error.code === "HPE_CLOSED_CONNECTION") return socket.destroySoon();
      // Behind a response that has begun there is no place for another; what there is of it goes out.
      if (unfinished?.headersSent === true) return socket.destroySoon();
      const [status, phrase] = statusOfError[error.code ?? ""] ?? [400, "Bad Request"];
      socket.end(handler.unreadable?.(status, phrase) ?? `HTTP/1.1 ${status} ${phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    });
  });
  return server;
}

const statusOfError: Readonly<Record<string, readonly [status: number, phrase: string]>> = {
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "Payload Too Large"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout"],
};

function createHttp2(handler: RequestHandler, bounds: OnePortTimeouts, sessions: Set<ServerHttp2Session>): Http2Server {
  const server = createHttp2Server(
    { maxHeaderListPairs: 128, settings: { maxConcurrentStreams: h2StreamsMax, maxHeaderListSize: headerBytesMax }, streamResetBurst: 1000, streamResetRate: 33 } as Parameters<typeof createHttp2Server>[0],
  );
  server.on("session", (session) => {
    sessions.add(session);
    const open: OpenStreams = { count: 0 };
    openStreamsOf.set(session, open);
    session.once("close", () => sessions.delete(session));
    session.on("error", ignore);
    // Half a header block is no stream yet and would keep a graceful close waiting. Streams bound themselves.
    session.setTimeout(bounds.h2IdleMs, () => {
      if (open.count === 0) session.destroy();
    });
  });
  server.on("sessionError", ignore);
  const boundBody = boundBodies(bounds.h2StreamMs);
  // Fields with NUL, CR or LF in them are left out by nghttp2, and Node tells nobody, so that the stream cannot be refused as
  // RFC 9113 section 8.2.1 has it. What they said is as if it had not been sent: such a credential is none.
  server.on("stream", (stream: ServerHttp2Stream & Counted, headers: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) => {
    // Who closes the connection with the very packet that asks leaves a stream without a session.
    const open = openStreamsOf.get(stream.session as ServerHttp2Session);
    if (open !== undefined) {
      open.count++;
      stream[openStreams] = open;
      stream.on("close", leaveOpenStreams);
    }
    stream.on("error", ignore);
    if (!stream.endAfterHeaders) boundBody(stream);
    handler.http2(stream, headers, rawHeaders);
  });
  return server;
}

/** Streams of a session that are open. */
interface OpenStreams {
  count: number;
}

const openStreamsOf = new WeakMap<ServerHttp2Session, OpenStreams>();
/** Where a stream finds them: its session is out of its reach when it closes. */
const openStreams = Symbol("open streams of the session");

interface Counted {
  [openStreams]?: OpenStreams;
}

function leaveOpenStreams(this: Counted): void {
  this[openStreams]!.count--;
}

/**
 * Bounds the time between two pieces of a body. Most bodies were read by the end of the turn of the event loop that follows the
 * one in which their head was read; only the others get a timer.
 */
function boundBodies(betweenMs: number): (stream: ServerHttp2Stream) => void {
  const bound = (streams: readonly ServerHttp2Stream[]): void => {
    for (const stream of streams) {
      if (stream.readableEnded || stream.destroyed) continue;
      stream.setTimeout(betweenMs, () => stream.close());
      // A call whose request is whole may be silent for long: a watch, a slow export.
      stream.once("end", () => stream.setTimeout(0));
    }
  };
  return withTurn((streams) => void setImmediate(bound, streams));
}

function ignore(): void {
  // A peer that breaks its own connection is no event of ours.
}
