/** What a load process is told to send, and what it answers. */
import type { Header } from "./hpack.js";

/** Digits of the number in a key; keys are `k` and this many digits, so that all requests have the same length. */
export const keyDigits = 10;

/** Stands for the key in a template. */
export const keyPlaceholder = `k${"0".repeat(keyDigits)}`;

/** The key of a number. */
export function keyOf(number: number): string {
  return `k${String(number).padStart(keyDigits, "0")}`;
}

/** Writes a number into the digits of a template's key. */
export function writeKey(bytes: Uint8Array, digitsAt: number, number: number): void {
  let rest = number;
  for (let at = digitsAt + keyDigits - 1; at >= digitsAt; at--) {
    bytes[at] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/**
 * Where the digits of the key stand in a template.
 *
 * @throws Error if it has no key.
 */
export function keyDigitsAt(bytes: Uint8Array): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(keyPlaceholder);
  if (at < 0) throw new Error("a request template without a key");
  return at + 1;
}

/** How an answer over h2 says that it is one: in the trailers, or in the last frame of the body. */
export type GrpcFlavour = "grpc" | "grpc-web";

/** One request, prebuilt but for the digits of its key. */
export type RequestTemplate =
  | {
      readonly wire: "http1";
      /** The whole request, head and body. */
      readonly bytes: Uint8Array;
    }
  | {
      readonly wire: "http2";
      readonly headers: readonly Header[];
      /** The body: one enveloped message. */
      readonly body: Uint8Array;
      readonly flavour: GrpcFlavour;
    };

/** A load: one template, sent over and over by a fixed number of connections. */
export interface Job {
  readonly port: number;
  readonly template: RequestTemplate;
  readonly connections: number;
  /** Requests that one connection has open at a time. */
  readonly streams: number;
}

/** Which keys a stretch asks for: the n-th is `from + distance * ((position + n) * stride % count)`. */
export interface Keys {
  /** Number of the first key. */
  readonly from: number;
  /** How many there are. */
  readonly count: number;
  /** How far their numbers lie apart. Default: 1. */
  readonly distance?: number;
  /** Steps from one to the next in time; without a common divisor with `count`, every key has its turn. Default: 1. */
  readonly stride?: number;
  /** Where in the turn to begin. Default: 0. */
  readonly position?: number;
}

/** One stretch of a job. */
export interface Stretch {
  /** Milliseconds for which new requests start; those then open are waited for. */
  readonly ms: number;
  /** New requests start until so many have, even after `ms`… Default: none. */
  readonly requestsMin?: number;
  /** …but no longer than this, in milliseconds. Default: `ms`. */
  readonly msMax?: number;
  readonly keys: Keys;
}

/** What a stretch came to. A single wrong answer makes it an error instead. */
export interface StretchResult {
  /** From the first request to the last answer. */
  readonly elapsedMs: number;
  /** How long each answer took, in the order in which they came. */
  readonly latenciesMs: Float32Array;
  /** Size of the smallest answer: over HTTP/1.1 with its head, over h2 its body alone. */
  readonly bytesMin: number;
}

/** What a load process is told. */
export type LoadCommand =
  /** Connect for these jobs, and close what was open before. */
  | { readonly type: "open"; readonly jobs: readonly Job[] }
  /** Put load on the connections of one of them. */
  | { readonly type: "run"; readonly job: number; readonly stretch: Stretch };

/** What it answers, once a command. */
export type LoadAnswer =
  | { readonly type: "opened" }
  | { readonly type: "result"; readonly result: StretchResult }
  | { readonly type: "error"; readonly message: string };
