/** From a request to a document that is ready to be written. */
import type { CollectionConfig, Document } from "@parapet/contract/parapet/document/v1/document_pb";
import type { AddRequest, NewDocument } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { metaEntriesOf } from "./meta.js";
import { invalidField, requireWellFormed } from "./text.js";
import { msOfDuration, msOfTimestamp } from "./times.js";
import { expiryOf, prepare, type Conditions, type Prepared } from "./writes.js";

/** A document to write. */
export interface Draft {
  readonly prepared: Prepared;
  readonly conditions: Conditions;
  /** When it ends, in Unix milliseconds; 0: never. */
  readonly expiresAtMs: (config: CollectionConfig, nowMs: number) => number;
}

/** The last moment that a Timestamp can name, in Unix milliseconds. */
const timestampMsMax = 253_402_300_799_999;

const unconditional: Conditions = { etag: "", createOnly: false };

/**
 * The draft of a request. `path` leads to it in failures, such as `documents[3].`. Throws FIELD_INVALID for what the rules of
 * the contract cannot see: text without a UTF-8 form, and too many meta values.
 */
export function draftOf(request: AddRequest | NewDocument, path = ""): Draft {
  const { key, lang, contentMd, ttl, etag, createOnly } = request;
  requireWellFormed(`${path}key`, key);
  requireWellFormed(`${path}lang`, lang);
  requireWellFormed(`${path}content_md`, contentMd);
  const ttlMs = ttl && msOfDuration(ttl);
  return {
    prepared: prepare({ key, lang, contentMd, meta: metaEntriesOf(request.meta, `${path}meta`) }),
    conditions: etag === "" && !createOnly ? unconditional : { etag, createOnly },
    expiresAtMs: (config, nowMs) => expiryOf(ttlMs, config, nowMs),
  };
}

/**
 * The draft of an imported document: its name, meta data, text and end; id, times, revision and etag are the server's.
 * Throws FIELD_INVALID as `draftOf` does, and for a document that has ended by `nowMs`.
 */
export function draftOfImport({ expiresAt }: Document, valid: NewDocument, nowMs: number): Draft {
  const draft = draftOf(valid, "document.");
  if (expiresAt === undefined) return draft;
  const endMs = msOfTimestamp(expiresAt);
  if (endMs > timestampMsMax) throw invalidField("document.expires_at", "must be before the year 10000", "timestamp.lte");
  if (endMs <= nowMs) throw invalidField("document.expires_at", "must be in the future", "timestamp.gt_now");
  return { ...draft, expiresAtMs: () => endMs };
}
