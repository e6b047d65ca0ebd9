/** Streams a collection as a zip archive: one Markdown file a document, and an index of what the files are. */
import { crc32 } from "node:zlib";
import { archiveChunkBytes } from "../limits.js";
import type { Store } from "../store/store.js";
import { archiveName } from "./archive-names.js";
import type { CollectionKeys } from "./collection-keys.js";
import { contentOf, updatedAtMsOf, type Content } from "./document-row.js";
import { rowsOf } from "./export.js";
import { compileFilter } from "./filter.js";
import { holdSnapshot } from "./scan.js";
import { createZip } from "./zip.js";

/** Name of the index. It ends unlike every document's file. */
export const indexName = "index.ndjson";

/**
 * The archive of a collection in chunks of about `archiveChunkBytes`. The documents are those that `exportDocuments` gives. The
 * index stands last: a line of JSON for each file, with `file`, `key`, `lang` and `meta`. It is written uncompressed from
 * a second walk over the same state, its size and CRC-32 having been taken on the first, so that no part of it is held in memory.
 */
export async function* exportArchive(store: Store, keys: CollectionKeys, nowMs: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const held = holdSnapshot(store, signal);
  const { snapshot } = held;
  const gather = createGatherer();
  const everything = compileFilter({}, undefined);
  const zip = createZip();
  try {
    let indexBytes = 0;
    let indexCrc = 0;
    for await (const { row } of rowsOf(snapshot, keys, everything, nowMs, signal)) {
      const content = contentOf(row);
      const file = archiveName(content.key, content.lang);
      const line = indexLine(file, content);
      indexBytes += line.length;
      indexCrc = crc32(line, indexCrc);
      for (const part of await zip.file(file, Buffer.from(content.contentMd), updatedAtMsOf(row))) yield* gather.add(part);
    }
    yield* gather.add(zip.storedHead(indexName, indexBytes, indexCrc, nowMs));
    for await (const { row } of rowsOf(snapshot, keys, everything, nowMs, signal)) {
      const content = contentOf(row);
      yield* gather.add(indexLine(archiveName(content.key, content.lang), content));
    }
    for (const part of zip.end()) yield* gather.add(part);
    yield* gather.rest();
  } finally {
    held.release();
  }
}

function indexLine(file: string, { key, lang, meta }: Content): Buffer {
  return Buffer.from(`${JSON.stringify({ file, key, lang, meta: Object.fromEntries(meta.map(({ name, values }) => [name, values])) })}\n`);
}

/** Makes chunks of parts. */
function createGatherer() {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  function* rest(): Generator<Uint8Array> {
    if (bytes > 0) yield Buffer.concat(parts);
    parts = [];
    bytes = 0;
  }
  return {
    /** Takes a part; yields what has become whole chunks. A part that is larger than a chunk is cut. */
    *add(part: Uint8Array): Generator<Uint8Array> {
      for (let at = 0; at < part.length; ) {
        const piece = part.subarray(at, at + archiveChunkBytes - bytes);
        parts.push(piece);
        bytes += piece.length;
        at += piece.length;
        if (bytes === archiveChunkBytes) yield* rest();
      }
    },
    rest,
  };
}
