/** Turns an answer into text that two servers can be compared by: everything in it, save what is each server's own. */
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { create, createRegistry, type DescMessage, fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema, QuotaFailureSchema, RetryInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { StatusSchema } from "@parapet/contract/google/rpc/status_pb";
import { frames } from "../../conformance/src/wire/envelope.js";
import type { Arrived, Fields } from "./exchanged.js";

/** An answer as lines of text. */
export interface Observation {
  readonly outcome: string;
  readonly status: number;
  readonly headers: readonly string[];
  readonly trailers: readonly string[];
  readonly body: readonly string[];
}

/** Replaces what is each server's own. Ids get numbers in the order in which they are first seen, so that equal stays equal and different, different. */
export type Mask = (text: string) => string;

const times = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
const ids = /\b(?:usr|tok|key|lim|req)_[0-9a-f]{16,}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\beyJ[\w-]+\.[\w-]+\.[\w-]+|\bparapet_live_[0-9a-f]{48}|~[\w-]{16}(?![\w-])/g;
const pageTokens = /("nextPageToken":")[^"]+"/g;
const etags = /("etag":")[^"]+"/g;
const unixSeconds = /("(?:expiresAt|createdAt|lastUsedAt|issuedAt)":)\d{10}\b/g;

/** Makes the mask of one server. */
export function createMask(): Mask {
  const known = new Map<string, string>();
  const alias = (id: string): string => {
    let name = known.get(id);
    if (name === undefined) known.set(id, (name = `(id ${known.size + 1})`));
    return name;
  };
  return (text) => text.replace(times, "(time)").replace(unixSeconds, "$1(seconds)").replace(etags, '$1(etag)"').replace(pageTokens, '$1(token)"').replace(ids, alias);
}

const registry = createRegistry(ErrorInfoSchema, BadRequestSchema, QuotaFailureSchema, RetryInfoSchema);

/** Describes an answer to a call whose messages are of type `output`. */
export function observe(arrived: Arrived, output: DescMessage, mask: Mask): Observation {
  const { outcome, status, headers, trailers, body } = arrived;
  const described = describe(arrived, output);
  return { outcome, status, headers: lines(headers, body, mask), trailers: lines(trailers, body, mask), body: described.map(mask) };
}

function lines(fields: Fields, body: Buffer, mask: Mask): string[] {
  return fields.map(([name, value]) => `${name}: ${mask(valueOf(name, value, body))}`).sort();
}

function valueOf(name: string, value: string, body: Buffer): string {
  if (name === "date") return "(date)";
  // Ids and times make bodies of different lengths; that a length is right can be told from its own answer.
  if (name === "content-length") return Number(value) === body.length ? "(right)" : `${value} of ${body.length}`;
  return name === "grpc-status-details-bin" ? statusText(value) : value;
}

function statusText(value: string): string {
  const bytes = Buffer.from(value, "base64");
  const canonical = bytes.toString("base64").replace(/=+$/, "") === value;
  return `${canonical ? "" : "(not canonical) "}${exactly(StatusSchema, bytes)}`;
}

/** A message as JSON; beside it its bytes, where they are not those that the message has by itself. */
function exactly(schema: DescMessage, bytes: Uint8Array): string {
  try {
    const message = fromBinary(schema, bytes);
    const own = Buffer.from(toBinary(schema, message)).equals(bytes);
    return `${toJsonString(schema, message, { registry, alwaysEmitImplicit: true })}${own ? "" : ` (as ${Buffer.from(bytes).toString("hex")})`}`;
  } catch (error) {
    return `(no ${schema.name}: ${String(error)}) ${Buffer.from(bytes).toString("hex")}`;
  }
}

function describe({ status, headers, body }: Arrived, output: DescMessage): string[] {
  const field = (name: string): string => headers.find(([given]) => given === name)?.[1] ?? "";
  const type = field("content-type");
  if (body.length === 0) return [];
  const coding = field(type.startsWith("application/grpc") ? "grpc-encoding" : "content-encoding");
  if (type.startsWith("application/grpc-web-text")) return framesText(type, fromBase64(body), coding, output, [`base64 ${isOnePiece(body) ? "in one piece" : "in pieces"}`]);
  if (type.startsWith("application/grpc")) return framesText(type, body, coding, output, []);
  const plain = coding === "" ? body : unpacked(coding, body);
  const prefix = coding === "" ? [] : [coding];
  if (type === "application/proto" && status === 200) return [...prefix, exactly(output, plain)];
  if (type === "application/json" && status !== 200) return [...prefix, errorText(plain.toString())];
  return [...prefix, plain.toString()];
}

/** A Connect error, its details readable. */
function errorText(text: string): string {
  return text.replace(/\{"type":"([\w.]+)","value":"([^"]*)"\}/g, (_all, type: string, value: string) => {
    const any = create(AnySchema, { typeUrl: `type.googleapis.com/${type}`, value: Buffer.from(value, "base64") });
    return `{${toJsonString(AnySchema, any, { registry, alwaysEmitImplicit: true })} ${value.endsWith("=") ? "padded" : ""}}`;
  });
}

function unpacked(coding: string, bytes: Uint8Array): Buffer {
  try {
    return coding === "br" ? brotliDecompressSync(bytes) : gunzipSync(bytes);
  } catch (error) {
    return Buffer.from(`(not ${coding}: ${String(error)}) ${Buffer.from(bytes).toString("hex")}`);
  }
}

function framesText(type: string, body: Buffer, coding: string, output: DescMessage, first: string[]): string[] {
  const all = frames(body);
  const length = all.reduce((sum, { data }) => sum + 5 + data.length, 0);
  const text = all.map(({ flags, data }) => {
    const bytes = Buffer.from((flags & 1) === 0 ? data : unpacked(coding, data));
    if ((flags & 0x80) !== 0) return `frame ${flags}: ${trailerText(bytes)}`;
    return `frame ${flags}: ${type.endsWith("json") ? bytes.toString() : exactly(output, bytes)}`;
  });
  return [...first, ...text, ...(length === body.length ? [] : [`left over: ${body.subarray(length).toString("hex")}`])];
}

function trailerText(bytes: Buffer): string {
  return bytes.toString().replace(/^(grpc-status-details-bin: )(\S*)/m, (_all, name: string, value: string) => name + statusText(value));
}

function fromBase64(body: Buffer): Buffer {
  return Buffer.concat(Array.from(body.toString("latin1").matchAll(/[A-Za-z0-9+/]+={0,2}/g), ([part]) => Buffer.from(part, "base64")));
}

function isOnePiece(body: Buffer): boolean {
  const text = body.toString("latin1");
  return Buffer.from(text, "base64").toString("base64") === text;
}

/** What two observations do not share. */
export function differing(connectEs: Observation, fast: Observation): Record<string, unknown> {
  const parts = (Object.keys(connectEs) as (keyof Observation)[]).filter((part) => JSON.stringify(connectEs[part]) !== JSON.stringify(fast[part]));
  const without = (list: unknown, other: unknown): unknown => (Array.isArray(list) && Array.isArray(other) ? list.filter((line) => !other.includes(line)) : list);
  return Object.fromEntries(parts.map((part) => [part, { connectEs: without(connectEs[part], fast[part]), fast: without(fast[part], connectEs[part]) }]));
}
