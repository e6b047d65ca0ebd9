/** What the protocols have in common: how a call was spelled, and how a refusal is written. */
import type { Call, Protocol } from "../call.js";
import type { Failure } from "../errors.js";
import { anonymousMessageBytesMax } from "../limits.js";
import type { Added } from "./added.js";
import type { Exchange, HeaderList } from "./exchange.js";
import { type FrameBounds, frameHeadBytes } from "./frame.js";

/** How a call was spelled on the wire. */
export interface Spelling {
  readonly protocol: Protocol;
  readonly codec: "proto" | "json";
  /** Base64 around everything (gRPC-Web text). */
  readonly text: boolean;
  /** Enveloped messages (gRPC family, Connect streams). */
  readonly stream: boolean;
  /** Content type of the answer. */
  readonly contentType: string;
}

/**
 * Writes a failure in the caller's own protocol. `headers` are the call's: request id, limits, CORS; `added` is what a
 * handler said before it failed.
 */
export type Refuse = (exchange: Exchange, spelling: Spelling, failure: Failure, headers: HeaderList, added?: Added) => void;

/** Compressions of messages, as the protocols name them. */
export type Coding = "gzip" | "br";

/** How the unary calls of a protocol look on the wire; the same file in each protocol's folder. */
export interface UnaryProtocol {
  /** As handlers see it in their context. */
  readonly name: string;
  /** Compressions that the answer may have, in order; undefined: as the request. */
  acceptEncoding(exchange: Exchange): string | undefined;
  /** The bytes of the one request message. Throws REQUEST_MALFORMED and MESSAGE_TOO_LARGE. */
  unwrap(exchange: Exchange, spelling: Spelling, body: Buffer, bounds: FrameBounds): { readonly bytes: Buffer; readonly compressed: boolean };
  /** Sends the answer, with what the handler added. JSON text comes as text where no frame goes around it. */
  answer(exchange: Exchange, spelling: Spelling, message: Uint8Array | string, coding: Coding | undefined, headers: HeaderList, added: Added | undefined): void;
}

/** Bytes that a body may have whose one message has at most `messageBytesMax`: a frame's head comes on top, and base64 in padded pieces. */
export function bytesOnWire(messageBytesMax: number, { stream, text }: Spelling): number {
  const bytes = stream ? messageBytesMax + frameHeadBytes : messageBytesMax;
  return text ? Math.ceil((bytes * 4) / 3) + paddingBytes : bytes;
}

/** Bytes that the message of a call may have, of all that messages may: a caller whom nobody knows has little room (AN-06). */
export function messageBound({ principal }: Call, messageBytesMax: number): number {
  return principal === undefined ? Math.min(messageBytesMax, anonymousMessageBytesMax) : messageBytesMax;
}

/** Room for what pieces of their own add to base64. */
const paddingBytes = 64;

/** Messages smaller than this are not worth compressing, in bytes: below it a packet is saved rarely, and gzip costs more than the call. */
export const compressMinBytes = 4096;

/** JSON on every protocol: defaults are written (the seeds print them), unknown fields are ignored as in binary. */
export const jsonOptions = { alwaysEmitImplicit: true, ignoreUnknownFields: true, textDecoder: new TextDecoder("utf-8", { fatal: true }) } as const;

/** The type and subtype of a content type in lower case, without parameters. */
export function mediaType(contentType: string | undefined): string {
  if (contentType === undefined) return "";
  const end = contentType.indexOf(";");
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/** Base64 without padding, as gRPC and Connect carry binary values. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64").replace(/=+$/, "");
}
