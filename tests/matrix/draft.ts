/** A call on its way to the wire: what every value of a dimension may bend, and how each protocol writes it down. */
import { gzipSync } from "node:zlib";
import type { JsonValue } from "@bufbuild/protobuf";
import type { ContractMethod } from "../../conformance/src/contract.js";
import { frame } from "../../conformance/src/wire/envelope.js";
import { binaryOf, jsonOf } from "../../conformance/src/wire/messages.js";
import type { Delivery, Fields, Sent } from "./exchanged.js";
import type { Caller } from "./pair.js";

/** One protocol in one spelling. */
export interface Shape {
  readonly name: string;
  readonly http: readonly ("h1" | "h2")[];
  readonly contentType: string;
  readonly form: "proto" | "json";
  /** Whether a message travels in a frame, in base64 text, or in the query. */
  readonly framed: boolean;
  readonly text: boolean;
  readonly get: boolean;
  readonly encodingHeader: string;
  readonly acceptHeader: string;
  readonly timeoutHeader: string;
}

const shape = (name: string, contentType: string, more: Partial<Shape> = {}): Shape => {
  const grpc = contentType.startsWith("application/grpc");
  return {
    name,
    contentType,
    http: ["h1", "h2"],
    form: contentType.endsWith("json") ? "json" : "proto",
    framed: grpc,
    text: contentType.includes("-text"),
    get: false,
    encodingHeader: grpc ? "grpc-encoding" : "content-encoding",
    acceptHeader: grpc ? "grpc-accept-encoding" : "accept-encoding",
    timeoutHeader: grpc ? "grpc-timeout" : "connect-timeout-ms",
    ...more,
  };
};

/** Every protocol that carries unary calls by either executor. */
export const shapes: readonly Shape[] = [
  shape("grpc-h2", "application/grpc", { http: ["h2"] }),
  shape("grpc-h1", "application/grpc+proto", { http: ["h1"] }),
  shape("grpc-web", "application/grpc-web+proto"),
  shape("grpc-web-text", "application/grpc-web-text"),
  shape("connect-proto", "application/proto"),
  shape("connect-json", "application/json"),
  shape("connect-get", "application/json", { get: true }),
];

/** A call that can be bent. Each value of a dimension changes some of it. */
export interface Draft {
  readonly method: ContractMethod;
  readonly json: JsonValue;
  /** Takes the place of the encoded message. */
  readonly message: Buffer | undefined;
  readonly caller: Caller;
  /** Undefined: the shape's own; empty: none is sent. */
  readonly contentType: string | undefined;
  readonly headers: Fields;
  /** What the message goes through before it is framed. */
  readonly pack: (message: Buffer) => Buffer;
  readonly flags: number;
  /** What the whole body goes through, before base64. */
  readonly bend: (body: Buffer) => Buffer;
  /** What the base64 text or the query goes through. */
  readonly respell: (text: string) => string;
  readonly delivery: Delivery;
  readonly verb: string | undefined;
  readonly path: (path: string) => string;
  readonly requestId: boolean;
  /** Parameters of a GET that differ from the usual ones; undefined takes one away. */
  readonly query: Readonly<Record<string, string | undefined>>;
}

const same = <T>(value: T): T => value;

/** A call of nobody in particular. */
export function draftOf(method: ContractMethod, json: JsonValue): Draft {
  return { method, json, message: undefined, caller: "nobody", contentType: undefined, headers: [], pack: same, flags: 0, bend: same, respell: same, delivery: "declared", verb: undefined, path: same, requestId: true, query: {} };
}

/** The draft with some of it changed. */
export function bent(draft: Draft, change: Partial<Draft>): Draft {
  return { ...draft, ...change };
}

/** The draft with further headers. */
export function withHeaders(draft: Draft, ...headers: (readonly [string, string])[]): Draft {
  return { ...draft, headers: [...draft.headers, ...headers] };
}

/** Gzip, as a client packs it. */
export const gzip = (message: Buffer): Buffer => gzipSync(message);

/** The message of a draft, before it is packed. */
export function messageOf(shape: Shape, { method, json, message }: Draft): Buffer {
  return message ?? Buffer.from((shape.form === "json" ? jsonOf : binaryOf)(method.desc.input, json));
}

/** What goes on the wire, the caller's credential excepted. */
export function sentOf(shape: Shape, draft: Draft, requestId: string): Sent {
  const packed = draft.pack(messageOf(shape, draft));
  const headers: (readonly [string, string])[] = [...draft.headers];
  if (draft.requestId) headers.push(["x-request-id", requestId]);
  if (shape.get && (draft.verb === undefined || draft.verb === "HEAD")) {
    const parameters = { connect: "v1", encoding: shape.form, base64: "1", message: packed.toString("base64url"), ...draft.query };
    const query = Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`]));
    const body = draft.bend === same ? undefined : draft.bend(Buffer.alloc(0));
    return { verb: draft.verb ?? "GET", path: `${draft.path(draft.method.path)}?${draft.respell(query.join("&"))}`, headers, body, delivery: draft.delivery };
  }
  const contentType = draft.contentType ?? shape.contentType;
  if (contentType !== "") headers.unshift(["content-type", contentType]);
  if (shape.framed && !shape.text && !shape.name.includes("web")) headers.push(["te", "trailers"]);
  const body = draft.bend(shape.framed ? Buffer.from(frame(packed, draft.flags)) : packed);
  return { verb: draft.verb ?? "POST", path: draft.path(draft.method.path), headers, body: shape.text ? Buffer.from(draft.respell(body.toString("base64")), "latin1") : body, delivery: draft.delivery };
}
