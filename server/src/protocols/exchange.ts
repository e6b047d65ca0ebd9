/** One HTTP request with its response, the same for HTTP/1.1 and HTTP/2. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { constants } from "node:http2";
import { refusedBodyBufferBytes, refusedBodyDiscardBytes, refusedBodyDiscardMs } from "../limits.js";

/** A request of either HTTP version. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;
/** A response of either HTTP version. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** Header names (lower case) with one value each, in the order they are sent. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** One HTTP request with its response. */
export class Exchange {
  readonly h2: boolean;
  readonly verb: string;
  /** Path as sent, not decoded; empty if the target is not in origin form. */
  readonly path: string;
  /** Query string without `?`. */
  readonly query: string;
  #controller: AbortController | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(
    readonly request: NodeRequest,
    readonly response: NodeResponse,
  ) {
    this.h2 = request.httpVersionMajor === 2;
    this.verb = request.method ?? "";
    const target = request.url ?? "";
    if (target.charCodeAt(0) !== 47) {
      this.path = "";
      this.query = "";
      return;
    }
    const mark = target.indexOf("?");
    this.path = mark < 0 ? target : target.slice(0, mark);
    this.query = mark < 0 ? "" : target.slice(mark + 1);
  }

  /** The value of a header; the first of several. */
  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** All values of a header, those that Node's own parser drops included. */
  values(name: string): string[] {
    if (this.request.headers[name] === undefined) return [];
    const raw = this.request.rawHeaders;
    const values: string[] = [];
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const key = raw[i]!;
      if (key.length === name.length && key.toLowerCase() === name) values.push(raw[i + 1]!);
    }
    return values;
  }

  /** Aborted when the caller goes away before the response ended, or after `timeoutMs`, with `expired` as the reason. */
  signal(timeoutMs: number | undefined, expired: () => unknown): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      this.response.once("close", () => {
        clearTimeout(this.#deadline);
        if (!this.response.writableFinished) controller.abort();
      });
      if (timeoutMs !== undefined) this.#deadline = setTimeout(() => controller.abort(expired()), timeoutMs);
    }
    return this.#controller.signal;
  }

  /** Declared length of the request's body in bytes; undefined if it has one of unknown length; 0 if it has none. */
  declaredBodyBytes(): number | undefined {
    const length = this.request.headers["content-length"];
    if (length !== undefined) return Number(length);
    if (this.h2) return (this.request as Http2ServerRequest).stream.endAfterHeaders ? 0 : undefined;
    return this.request.headers["transfer-encoding"] === undefined ? 0 : undefined;
  }

  /** Sends a whole response. */
  send(status: number, headers: HeaderList, body: Uint8Array | string | undefined): void {
    const { response } = this;
    if (response.headersSent || response.destroyed) return;
    response.statusCode = status;
    for (const [name, value] of headers) response.setHeader(name, value);
    if (body === undefined) response.end();
    else (response as ServerResponse).end(body);
  }

  /**
   * To be called before the response to a call whose body is not going to be read. Small bodies are read off so that the
   * connection lives on; a large one is discarded up to a bound and the connection (HTTP/1.1) or stream (HTTP/2) closed,
   * so that the caller reads the answer instead of a reset (AN-06; RFC 9110 section 9.5, RFC 9113 section 8.1).
   */
  abandonBody(): void {
    const { request, response } = this;
    if (request.readableEnded || request.complete) return;
    const declared = this.declaredBodyBytes();
    if (declared === 0) return;
    if (this.h2) {
      // Left unread, the stream's window stops the sender; what arrived is dropped with the stream.
      const { stream } = request as Http2ServerRequest;
      response.once("finish", () => {
        if (!stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
      });
      return;
    }
    if (declared !== undefined && declared <= refusedBodyBufferBytes) {
      request.resume();
      return;
    }
    response.setHeader("connection", "close");
    const socket = request.socket;
    let discarded = 0;
    request.on("data", (chunk: Uint8Array) => {
      discarded += chunk.length;
      if (discarded >= refusedBodyDiscardBytes) request.pause();
    });
    const timer = setTimeout(() => socket.destroy(), refusedBodyDiscardMs);
    socket.once("close", () => clearTimeout(timer));
  }
}
