/** Fills a collection with documents through the import of the REST API. */
import { Readable } from "node:stream";
import { create, toJson } from "@bufbuild/protobuf";
import { AddRequestSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { benchCollection, sampleAdd } from "../load/document.js";
import { keyOf } from "../load/job.js";
import { forEachAtMost } from "../process/pool.js";

/** What to import, and where. */
export interface ImportDocuments {
  readonly url: string;
  readonly authorization: string;
  /** How many; their keys count from 0. */
  readonly documents: number;
  /** Told how far it is, where it takes time. */
  readonly onProgress: (text: string) => void;
}

/** Imports that run side by side, so that one sends while the other's batch is synced. */
const importsAtATime = 2;
/** Documents of one import; a server waits for a request for minutes only. */
const partDocuments = 50_000;
/** Documents in one piece of a request's body. */
const chunkDocuments = 500;
/** Documents between two words on how far it is. */
const progressDocuments = 100_000;

/**
 * Imports the sample document under so many keys.
 *
 * @throws Error if the server refuses one.
 */
export async function importDocuments({ url, authorization, documents, onProgress }: ImportDocuments): Promise<void> {
  const startedMs = performance.now();
  let sent = 0;
  const onSent = (count: number): void => {
    const before = sent;
    sent += count;
    if (Math.floor(sent / progressDocuments) === Math.floor(before / progressDocuments)) return;
    onProgress(`${sent.toLocaleString("en")} of ${documents.toLocaleString("en")} documents, ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  };
  const parts = Array.from({ length: Math.ceil(documents / partDocuments) }, (_, part) => part * partDocuments);
  await forEachAtMost(importsAtATime, parts, async (from) => {
    const to = Math.min(documents, from + partDocuments);
    const response = await fetch(`${url}/v1/collections/${benchCollection}/import`, {
      method: "POST",
      duplex: "half",
      headers: { connection: "close", "content-type": "application/x-ndjson", authorization },
      body: Readable.toWeb(Readable.from(linesOf(from, to, onSent))),
    } as RequestInit);
    const text = await response.text();
    const imported = response.ok ? (JSON.parse(text) as { imported?: number }).imported : undefined;
    if (imported !== to - from) throw new Error(`an import of ${to - from} documents was answered with ${response.status}: ${text}`);
  });
}

/** The documents as NDJSON, some lines at a time. */
async function* linesOf(from: number, to: number, onSent: (count: number) => void): AsyncGenerator<Buffer> {
  const { collection: _collection, ...document } = toJson(AddRequestSchema, create(AddRequestSchema, sampleAdd())) as Record<string, unknown>;
  const [head, tail] = JSON.stringify({ ...document, key: "\0" }).split(JSON.stringify("\0"));
  for (let at = from; at < to; at += chunkDocuments) {
    const count = Math.min(chunkDocuments, to - at);
    let text = "";
    for (let index = 0; index < count; index++) text += `${head}"${keyOf(at + index)}"${tail}\n`;
    yield Buffer.from(text);
    onSent(count);
  }
}
