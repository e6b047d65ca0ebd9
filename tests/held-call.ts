/** Calls on connections of their own that stand still in the middle until they are let go. */
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { connect as http2Connect, type IncomingHttpHeaders } from "node:http2";
import type { JsonValue } from "@bufbuild/protobuf";
import { fromHttp2Headers, fromRawHeaders } from "../conformance/src/wire/fields.js";
import { type CallOptions, type HttpResponse, reasonOf, type Variant } from "../conformance/src/wire/wire.js";
import { within } from "./waiting.js";
import { type Answer, codecs, type Encoded, methodOf } from "./world.js";

/** A call in flight. */
export interface HeldCall {
  /** Resolves when the head of the answer is there; its body is not read yet. Rejects if there will be none. */
  readonly answered: Promise<void>;
  /** Sends what was held back, reads the whole answer. Rejects if none comes. */
  finish(): Promise<Answer>;
  /** Breaks the connection. */
  close(): void;
}

/** What is held back: the second half of the request, or the reading of the answer. */
export type Held = "request" | "answer";

/** Begins a call; `messages` are one, or those of a client stream. */
export function holdCall(port: number, { encoding, http }: Variant, name: string, messages: readonly JsonValue[], options: CallOptions, held: Held): HeldCall {
  const method = methodOf(name);
  const [first, ...others] = messages.map((message) => codecs[encoding].encode(method, message, options));
  const body = Buffer.concat([first!, ...others].map((each) => each.body ?? new Uint8Array()));
  const half = held === "request" ? Math.ceil(body.length / 2) : body.length;
  const exchange = (http === "h1" ? overHttp1 : overHttp2)(port, first!, body, half);
  exchange.answered.catch(() => undefined);
  return {
    answered: exchange.answered,
    async finish() {
      try {
        const response = await within(`${name} over ${encoding} ends`, exchange.finish());
        const decoded = codecs[encoding].decode(method, response);
        return { ...decoded, http: response, reason: decoded.code === "ok" ? "-" : reasonOf(decoded) };
      } finally {
        exchange.close();
      }
    },
    close: exchange.close,
  };
}

interface HeldExchange {
  readonly answered: Promise<void>;
  finish(): Promise<HttpResponse>;
  close(): void;
}

function overHttp1(port: number, { verb, path, headers }: Encoded, body: Buffer, half: number): HeldExchange {
  // Kept alive, as clients do: the server has to end the connection.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const outgoing = httpRequest({ agent, host: "127.0.0.1", port, method: verb, path, headers: ["host", "127.0.0.1", ...headers.flat(), "content-length", String(body.length)] });
  const incoming = new Promise<IncomingMessage>((resolve, reject) => outgoing.on("response", resolve).on("error", reject));
  if (half < body.length) outgoing.write(body.subarray(0, half));
  else outgoing.end(body);
  return {
    answered: incoming.then(() => undefined),
    async finish() {
      if (half < body.length) outgoing.end(body.subarray(half));
      const response = await incoming;
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      return { status: response.statusCode ?? 0, headers: fromRawHeaders(response.rawHeaders), trailers: fromRawHeaders(response.rawTrailers), body: Buffer.concat(chunks) };
    },
    close: () => agent.destroy(),
  };
}

function overHttp2(port: number, { verb, path, headers }: Encoded, body: Buffer, half: number): HeldExchange {
  const session = http2Connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  const stream = session.request({ ":method": verb, ":path": path, ...Object.fromEntries(headers), "content-length": String(body.length) });
  let trailers: IncomingHttpHeaders = {};
  stream.on("trailers", (fields: IncomingHttpHeaders) => (trailers = fields));
  const head = new Promise<IncomingHttpHeaders>((resolve, reject) => stream.on("response", resolve).on("error", reject).on("close", () => reject(new Error("the stream was closed"))));
  if (half < body.length) stream.write(body.subarray(0, half));
  else stream.end(body);
  return {
    answered: head.then(() => undefined),
    async finish() {
      if (half < body.length) stream.end(body.subarray(half));
      const fields = await head;
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk as Buffer);
      return { status: Number(fields[":status"] ?? 0), headers: fromHttp2Headers(fields), trailers: fromHttp2Headers(trailers), body: Buffer.concat(chunks) };
    },
    close: () => session.destroy(),
  };
}
