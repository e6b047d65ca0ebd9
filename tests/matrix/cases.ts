/** The cases of the matrix: products of dimensions, the same for every protocol as far as they apply to it. */
import { methodOf } from "../../conformance/src/contract.js";
import { accepts, base64Forms, beforeLogin, brokenCalls, call, calls, contentTypes, type Dimension, deliveries, encodings, everybody, frameForms, logins, messages, readingCalls, type Value, writer, writerOrNobody } from "./dimensions.js";
import { company, conditions, idempotencyKeys, parameters, paths, timeouts, verbs } from "./dimensions-of-headers.js";
import { bent, type Draft, draftOf, sentOf, type Shape } from "./draft.js";
import type { Sent } from "./exchanged.js";
import { type Caller, messageBytesMax } from "./pair.js";

/** One call to make on both servers. */
export interface Case {
  /** Unique; also the request id, so that audit records can be told apart. */
  readonly id: string;
  /** In words: its values. */
  readonly what: string;
  readonly shape: Shape;
  readonly draft: Draft;
  readonly http: "h1" | "h2";
  readonly caller: Caller;
  readonly sent: Sent;
}

/** A document whose message has a number of bytes in the form of its protocol. */
const sized = (name: string, bytes: (max: number) => number): Value => [
  name,
  (draft, { form }) => {
    const size = bytes(messageBytesMax);
    const head = { collection: "docs", key: "sized" };
    // Two bytes of field and key lengths around each text; three of length for the long one.
    const empty = form === "json" ? Buffer.byteLength(JSON.stringify({ ...head, contentMd: "" })) : 2 + 4 + 2 + 5 + 1 + 3;
    return bent(draft, { json: { ...head, contentMd: "x".repeat(size - empty) } });
  },
];
const sizes: Dimension = [sized("largest", (max) => max), sized("one-byte-less", (max) => max - 1), sized("one-byte-more", (max) => max + 1), sized("much-more", (max) => 2 * max)];
const sizedAdd: Dimension = [call("add-sized", "DocumentService/Add", {})];

/** Answers around the size from which compression pays. */
const answersAround: Dimension = [3_800, 3_900, 3_950, 4_000, 4_050, 4_096, 4_150, 4_200].map((length) => call(`login-free-${length}`, "DocumentService/Search", { collection: "docs", pageToken: "p".repeat(8), filterMeta: { ["k".repeat(100)]: ["v".repeat(length / 40)] } }));

const products: readonly (readonly [group: string, ...dimensions: readonly Dimension[]])[] = [
  ["call", calls, everybody],
  ["login", logins, beforeLogin],
  ["message", brokenCalls, writerOrNobody, messages],
  ["frame", readingCalls.slice(0, 1), writer, frameForms, deliveries],
  ["text", brokenCalls, writerOrNobody, base64Forms, deliveries],
  ["coding", readingCalls, writer, only(encodings, "not-compressed", "identity", "gzip", "brotli", "of-no-name", "unheard-of"), accepts],
  ["coded", brokenCalls, writerOrNobody, encodings],
  ["coded-and-torn", readingCalls.slice(0, 1), writer, encodings, deliveries],
  ["size", sizedAdd, writerOrNobody, sizes, only(encodings, "not-compressed", "gzip", "brotli"), deliveries],
  ["error-coding", answersAround.slice(0, 1), writer, accepts],
  ["type", readingCalls, writerOrNobody, contentTypes],
  ["time", brokenCalls, writerOrNobody, timeouts],
  ["once", brokenCalls, writerOrNobody, idempotencyKeys, conditions],
  ["company", brokenCalls, writerOrNobody, company],
  ["verb", brokenCalls, writerOrNobody, verbs],
  ["path", readingCalls, writerOrNobody, paths],
  ["query", readingCalls, writerOrNobody, parameters],
];

function only(dimension: Dimension, ...names: readonly string[]): Dimension {
  return dimension.filter(([name]) => names.includes(name));
}

/** Every case of a protocol, in the order in which both servers get them. */
export function casesOf(shape: Shape): Case[] {
  const found: Case[] = [];
  for (const [group, ...dimensions] of products) {
    for (const { names, draft } of combine(shape, dimensions)) {
      const number = found.length;
      const id = `${shape.name}.${group}.${number}`;
      found.push({ id, what: names.join(" "), shape, draft, http: shape.http[scatter(number) % shape.http.length]!, caller: draft.caller, sent: sentOf(shape, draft, id) });
    }
  }
  return found;
}

interface Combination {
  readonly names: readonly string[];
  readonly draft: Draft;
}

function combine(shape: Shape, dimensions: readonly Dimension[]): Combination[] {
  let all: Combination[] = [{ names: [], draft: draftOf(methodOf("SystemService/GetHealth"), {}) }];
  for (const dimension of dimensions) {
    all = all.flatMap(({ names, draft }) =>
      dimension.flatMap(([name, apply]): Combination[] => {
        const next = apply(draft, shape);
        return next === undefined ? [] : [{ names: [...names, name], draft: next }];
      }),
    );
  }
  return all;
}

/** Spreads the versions of HTTP over the cases, without the rhythm of any dimension. */
function scatter(number: number): number {
  let mixed = Math.imul(number ^ (number >>> 7), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
