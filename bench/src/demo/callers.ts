/** The same few calls through every layer of the SDK, so that a step need not know which protocol it speaks. */
import { Parapet, ParapetError } from "@parapet/sdk";
import { createParapetClient } from "@parapet/sdk/connect";
import { createRestClient, unwrap } from "@parapet/sdk/rest";
import type { Document as DocumentMessage } from "@parapet/contract/parapet/document/v1/document_pb";
import { ClaimError } from "./claims.js";
import type { CorpusDocument } from "./corpus.js";
import { collection } from "./world.js";

/** A refused call, as far as all protocols must agree, and where its record is found. */
export interface Refused {
  readonly ok: false;
  readonly code: string;
  readonly reason: string;
  readonly requestId: string;
  readonly retryAfterMs: number | undefined;
}

/** What a call came to. */
export type Answer<T> = { readonly ok: true; readonly value: T } | Refused;

/** A document as the demo compares it. */
export interface SeenDocument {
  readonly meta: Readonly<Record<string, readonly unknown[]>>;
  readonly contentMd: string;
  readonly revision: number;
}

/** What is searched for. An empty page token asks for the first page. */
export interface Search {
  readonly filterMeta: Readonly<Record<string, readonly string[]>>;
  readonly limit: number;
  readonly pageToken: string;
}

/** A page of a search in the order of keys. */
export interface SearchPage {
  readonly keys: readonly string[];
  readonly totalSize: number;
  readonly nextPageToken: string;
}

/** One protocol, with one principal's credential. Nothing is tried twice: a refusal is seen as it came. */
export interface Caller {
  readonly protocol: string;
  add(document: CorpusDocument): Promise<Answer<SeenDocument>>;
  get(key: string): Promise<Answer<SeenDocument>>;
  search(search: Search): Promise<Answer<SearchPage>>;
  close(): void;
}

/** How to reach a server as one principal, or as nobody. */
export interface CallerOptions {
  readonly baseUrl: string;
  readonly token?: string;
}

/** One caller for each of the four protocols. */
export function createCallers(options: CallerOptions): readonly Caller[] {
  return [createMessageCaller("gRPC", "grpc", options), createMessageCaller("gRPC-Web", "grpc-web", options), createJsonCaller(options), createRestCaller(options)];
}

const lang = "en";

/** gRPC and gRPC-Web: protobuf messages, through `@parapet/sdk/connect`. */
function createMessageCaller(protocol: string, wire: "grpc" | "grpc-web", options: CallerOptions): Caller {
  const client = createParapetClient({ ...options, protocol: wire, retries: 0 });
  return {
    protocol,
    add: ({ key, meta, contentMd }) => answerOf(client.documents.add({ collection, key, lang, meta: mapValues(meta, listOf), contentMd }), ({ document }) => seenMessage(document)),
    get: (key) => answerOf(client.documents.get({ collection, key, lang }), ({ document }) => seenMessage(document)),
    search: ({ filterMeta, limit, pageToken }) =>
      answerOf(client.documents.search({ collection, filterMeta: mapValues(filterMeta, listOf), sort: "key", asc: true, limit, pageToken }), ({ documents, totalSize, nextPageToken }) => ({
        keys: documents.map(({ key }) => key),
        totalSize,
        nextPageToken,
      })),
    close: () => client.close(),
  };
}

/** Connect with JSON, through the default layer. */
function createJsonCaller(options: CallerOptions): Caller {
  const client = new Parapet({ ...options, retries: 0 });
  return {
    protocol: "Connect",
    add: ({ key, meta, contentMd }) => answerOf(client.documents.add({ collection, key, lang, meta, contentMd }), ({ document }) => document!),
    get: (key) => answerOf(client.documents.get({ collection, key, lang }), ({ document }) => document!),
    search: ({ filterMeta, limit, pageToken }) => answerOf(client.documents.search({ collection, filterMeta, sort: "key", asc: true, limit, pageToken }).page(), pageOf),
    close: () => undefined,
  };
}

/** REST with the types of the published document, through `@parapet/sdk/rest`. */
function createRestCaller(options: CallerOptions): Caller {
  const client = createRestClient({ ...options, retries: 0 });
  return {
    protocol: "REST",
    add: ({ key, meta, contentMd }) => answerOf(unwrap(client.POST("/v1/add", { body: { collection, key, lang, meta: mapValues(meta, copyOf), contentMd } })), (document) => document),
    get: (key) => answerOf(unwrap(client.GET("/v1/collections/{collection}/documents/{key}", { params: { path: { collection, key }, query: { lang } } })), (document) => document),
    search: ({ filterMeta, limit, pageToken }) =>
      answerOf(unwrap(client.POST("/v1/search", { body: { collection, filterMeta: mapValues(filterMeta, copyOf), sort: "key", asc: true, limit, pageToken } })), pageOf),
    close: () => undefined,
  };
}

/** A page as JSON has it. */
function pageOf({ documents, totalSize, nextPageToken }: { readonly documents: readonly { readonly key: string }[]; readonly totalSize: number; readonly nextPageToken: string }): SearchPage {
  return { keys: documents.map(({ key }) => key), totalSize, nextPageToken };
}

async function answerOf<Response, T>(call: PromiseLike<Response>, valueFrom: (response: Response) => T): Promise<Answer<T>> {
  try {
    return { ok: true, value: valueFrom(await call) };
  } catch (error) {
    if (!(error instanceof ParapetError)) throw error;
    const { code, reason, requestId, retryAfterMs } = error;
    return { ok: false, code, reason, requestId, retryAfterMs };
  }
}

/**
 * The value of a call that must succeed.
 *
 * @throws ClaimError if it was refused.
 */
export function valueOf<T>(answer: Answer<T>, what: string): T {
  if (answer.ok) return answer.value;
  throw new ClaimError(`${what}: refused with ${answer.code} / ${answer.reason}, request id ${answer.requestId}`);
}

/**
 * The refusal of a call that must be refused.
 *
 * @throws ClaimError if it was not.
 */
export function refusalOf(answer: Answer<unknown>, what: string): Refused {
  if (!answer.ok) return answer;
  throw new ClaimError(`${what} must be refused, and was not`);
}

function seenMessage(document: DocumentMessage | undefined): SeenDocument {
  const { meta, contentMd, revision } = document!;
  return { meta: mapValues(meta, ({ values }) => values.map(({ kind }) => kind.value)), contentMd, revision };
}

function listOf(texts: readonly string[]): { values: { kind: { case: "stringValue"; value: string } }[] } {
  return { values: texts.map((value) => ({ kind: { case: "stringValue", value } })) };
}

/** A copy that may be changed, as the types of the OpenAPI document want it. */
function copyOf(texts: readonly string[]): string[] {
  return [...texts];
}

function mapValues<From, To>(map: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]));
}
