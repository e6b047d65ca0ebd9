/** The RPCs on documents and collections. */
import type { Message } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type {
  AddBatchResponse,
  AddResponse,
  DeleteBatchRequest,
  DeleteBatchResponse,
  DeleteResponse,
  DocumentService,
  RestoreRevisionResponse,
  SearchRequest,
  UpdateCollectionResponse,
  UpdateRequest,
  UpdateResponse,
} from "@parapet/contract/parapet/document/v1/document_service_pb";
import { callOf, principalOf, type Call } from "../call.js";
import { exportArchive } from "../documents/archive.js";
import { createCollectionKeys, type CollectionKeys } from "../documents/collection-keys.js";
import { createCollections } from "../documents/collections.js";
import { createDeletion } from "../documents/delete-collection.js";
import { createDocuments, type Target } from "../documents/documents.js";
import { draftOf } from "../documents/drafts.js";
import { exportDocuments } from "../documents/export.js";
import { compileFilter } from "../documents/filter.js";
import { createImport } from "../documents/import.js";
import { metaEntriesOf } from "../documents/meta.js";
import { orders } from "../documents/order.js";
import { listRevisions } from "../documents/revisions.js";
import type { Query } from "../documents/search.js";
import { invalidField, requireWellFormed } from "../documents/text.js";
import { msOfDuration } from "../documents/times.js";
import { expiryOf, type Parts } from "../documents/writes.js";
import { fail, Reason } from "../errors.js";
import type { Commit, CommitPart } from "../gate/transact.js";
import { collectionPageSize, documentPageMax, revisionPageSize, searchPageDocuments } from "../limits.js";
import { everyCollection } from "../policy/rights.js";
import { pack, unpackInteger } from "../store/keys.js";
import type { PageTokens } from "../store/page-token.js";
import type { Store } from "../store/store.js";

/** What the service needs. */
export interface DocumentServiceOptions {
  readonly store: Store;
  readonly commit: Commit;
  readonly commitPart: CommitPart;
  /** Unix time in milliseconds. */
  readonly nowMs: () => number;
  /** A new id of 16 bytes, greater than those before; see `createUuids`. */
  readonly newId: () => Uint8Array;
  readonly pageTokens: PageTokens;
}

/** Names of the lists in page tokens, and of what is resumed by them. */
const lists = { documents: "documents", revisions: "revisions", collections: "collections", export: "export" };
const archiveType = "application/zip";

/**
 * Makes the service. The gate has authorized the collection and checked the rules of the contract; what they cannot say
 * (well-formed text, values of a batch that repeat) is checked here. Page tokens serve the principal and the query that
 * they were made for, whatever the page size (AIP-158).
 */
export function createDocumentService({ store, commit, commitPart, nowMs, newId, pageTokens }: DocumentServiceOptions): ServiceImpl<typeof DocumentService> {
  const keysOf = createCollectionKeys();
  const documents = createDocuments({ store, nowMs, newId });
  const collections = createCollections({ store, nowMs, keysOf });
  const deleteCollection = createDeletion({ store, commit, commitPart, nowMs });

  const named = ({ tenant }: Call, collection: string): CollectionKeys => {
    requireWellFormed("collection", collection);
    return keysOf(tenant, collection);
  };
  /** Keys of a collection that the call may make. */
  const makeable = (call: Call, collection: string): CollectionKeys => {
    if (collection === everyCollection) throw invalidField("collection", "must not be the name of all collections", "string.not_in");
    return named(call, collection);
  };
  const importDocuments = createImport({ documents, commit, commitPart, nowMs, keysOf: makeable });

  return {
    add(request, context) {
      const call = callOf(context);
      const keys = makeable(call, request.collection);
      const draft = draftOf(request);
      return commit<AddResponse>(call, (tx) => {
        const [document] = documents.add(tx, keys, [draft]);
        noteRevision(call, document!.revision);
        return { $typeName: "parapet.document.v1.AddResponse", document };
      }, "grows");
    },

    addBatch(request, context) {
      const call = callOf(context);
      const keys = makeable(call, request.collection);
      const drafts = request.documents.map((document, index) => draftOf(document, `documents[${index}].`));
      return commit<AddBatchResponse>(call, (tx) => {
        const added = documents.add(tx, keys, drafts);
        noteKeys(call, request.documents);
        return { $typeName: "parapet.document.v1.AddBatchResponse", added: added.length, documents: added };
      }, "grows");
    },

    get(request, context) {
      const keys = named(callOf(context), request.collection);
      const { key, lang } = targetOf(request);
      return { $typeName: "parapet.document.v1.GetResponse", document: documents.get(keys, key, lang) };
    },

    async search(request, context) {
      const call = callOf(context);
      const keys = named(call, request.collection);
      const { query, tokenFor } = searchOf(call, request);
      const page = await documents.search(keys, query, call.signal);
      return {
        $typeName: "parapet.document.v1.SearchResponse",
        documents: page.documents,
        totalSize: page.total,
        nextPageToken: page.next === undefined ? "" : tokenFor(page.next),
      };
    },

    update(request, context) {
      const call = callOf(context);
      const keys = named(call, request.collection);
      const target = targetOf(request);
      const parts = partsOf(request);
      return commit<UpdateResponse>(call, (tx) => {
        const document = documents.update(tx, keys, target, parts);
        noteRevision(call, document.revision);
        return { $typeName: "parapet.document.v1.UpdateResponse", document };
      }, "grows");
    },

    delete(request, context) {
      const call = callOf(context);
      const keys = named(call, request.collection);
      const target = targetOf(request);
      return commit<DeleteResponse>(call, (tx) => {
        documents.remove(tx, keys, [target]);
        return { $typeName: "parapet.document.v1.DeleteResponse", status: "deleted" };
      });
    },

    deleteBatch(request, context) {
      const call = callOf(context);
      const keys = named(call, request.collection);
      const targets = distinctTargets(request);
      return commit<DeleteBatchResponse>(call, (tx) => {
        documents.remove(tx, keys, targets);
        noteKeys(call, targets);
        return { $typeName: "parapet.document.v1.DeleteBatchResponse", deleted: targets.length };
      });
    },

    async *export(request, context) {
      const call = callOf(context);
      const keys = named(call, request.collection);
      const filter = compileFilter(request.filterMeta, undefined);
      const scope = pack([call.tenant, readerOf(call), keys.collection, filter.identity]);
      const after = request.resumeToken === "" ? undefined : pageTokens.open(lists.export, scope, request.resumeToken);
      for await (const { id, document } of exportDocuments(store, keys, filter, nowMs(), call.signal, after)) {
        yield { $typeName: "parapet.document.v1.ExportResponse", document, resumeToken: pageTokens.seal(lists.export, scope, id) };
      }
    },

    async *exportArchive(request, context) {
      const call = callOf(context);
      let contentType = archiveType;
      for await (const data of exportArchive(store, named(call, request.collection), nowMs(), call.signal)) {
        yield { $typeName: "parapet.document.v1.ExportArchiveResponse", body: { $typeName: "google.api.HttpBody", contentType, data, extensions: [] } };
        // The first part says what all of them are.
        contentType = "";
      }
    },

    import: (requests, context) => importDocuments(callOf(context), requests),

    listRevisions(request, context) {
      const call = callOf(context);
      const keys = named(call, request.collection);
      const { key, lang } = targetOf(request);
      const size = sizeOf("page_size", request.pageSize, revisionPageSize);
      const snapshot = store.snapshot();
      try {
        const { id } = documents.find(snapshot, keys, key, lang);
        const scope = pack([call.tenant, readerOf(call), keys.collection, id]);
        const before = request.pageToken === "" ? undefined : revisionAt(pageTokens.open(lists.revisions, scope, request.pageToken));
        const { revisions, next } = listRevisions(snapshot, keys, id, before, size);
        const nextPageToken = next === undefined ? "" : pageTokens.seal(lists.revisions, scope, pack([next]));
        return { $typeName: "parapet.document.v1.ListRevisionsResponse", revisions, nextPageToken };
      } finally {
        snapshot.close();
      }
    },

    restoreRevision(request, context) {
      const call = callOf(context);
      const keys = named(call, request.collection);
      const target = targetOf(request);
      return commit<RestoreRevisionResponse>(call, (tx) => {
        const document = documents.restore(tx, keys, target, request.revision);
        noteRevision(call, document.revision);
        return { $typeName: "parapet.document.v1.RestoreRevisionResponse", document };
      }, "grows");
    },

    getStats(request, context) {
      const call = callOf(context);
      return collections.stats(call.tenant, request.collection === "" ? undefined : named(call, request.collection), call.signal);
    },

    getChecksum(request, context) {
      const call = callOf(context);
      return collections.checksum(named(call, request.collection), call.signal);
    },

    async listCollections(request, context) {
      const call = callOf(context);
      const { grants } = principalOf(context);
      const scope = pack([call.tenant, readerOf(call)]);
      const size = sizeOf("page_size", request.pageSize, collectionPageSize);
      const behind = request.pageToken === "" ? undefined : Buffer.from(pageTokens.open(lists.collections, scope, request.pageToken)).toString("utf8");
      const page = await collections.list(call.tenant, grants, behind, size, call.signal);
      return {
        $typeName: "parapet.document.v1.ListCollectionsResponse",
        collections: page.collections,
        nextPageToken: page.next === undefined ? "" : pageTokens.seal(lists.collections, scope, Buffer.from(page.next)),
      };
    },

    async getCollection(request, context) {
      const call = callOf(context);
      const collection = await collections.get(named(call, request.collection), call.signal);
      return { $typeName: "parapet.document.v1.GetCollectionResponse", collection };
    },

    updateCollection(request, context) {
      const call = callOf(context);
      const keys = makeable(call, request.collection);
      const { config } = request;
      if (config === undefined) throw invalidField("config", "must be set", "required");
      requireWellFormed("config.description", config.description);
      return commit<UpdateCollectionResponse>(call, (tx) => {
        const { collection, before, after } = collections.configure(tx, keys, config);
        call.audit.notes.push({ name: "before", value: before }, { name: "after", value: after });
        return { $typeName: "parapet.document.v1.UpdateCollectionResponse", collection };
      }, "grows");
    },

    deleteCollection(request, context) {
      const call = callOf(context);
      return deleteCollection(call, named(call, request.collection), request.force);
    },
  };

  function searchOf(call: Call, request: SearchRequest): { query: Query; tokenFor: (position: Uint8Array) => string } {
    const { collection, sort, asc, offset, pageToken } = request;
    const order = orders.get(sort);
    if (order === undefined) throw invalidField("sort", "must be addedAt, updatedAt or key", "string.in");
    if (offset < 0) throw invalidField("offset", "must not be negative", "int32.gte");
    const filter = compileFilter(request.filterMeta, request.lang);
    const scope = pack([call.tenant, readerOf(call), collection, sort || "addedAt", asc ? 1 : 0, filter.identity]);
    const after = pageToken === "" ? undefined : pageTokens.open(lists.documents, scope, pageToken);
    const limit = sizeOf("limit", request.limit, searchPageDocuments);
    return {
      query: { filter, order, descending: !asc, limit, offset: after === undefined ? offset : 0, after },
      tokenFor: (position) => pageTokens.seal(lists.documents, scope, position),
    };
  }
}

/** Whose page tokens these are. */
function readerOf({ principal }: Call): string {
  return principal?.id ?? "";
}

function targetOf({ key, lang, etag = "" }: Message & { key: string; lang: string; etag?: string }): Target {
  requireWellFormed("key", key);
  requireWellFormed("lang", lang);
  return { key, lang, etag };
}

/** The documents of a batch. Throws FIELD_INVALID if one is named twice: it cannot be deleted twice. */
function distinctTargets({ documents }: DeleteBatchRequest): Target[] {
  const seen = new Set<string>();
  return documents.map(({ key, lang }, index) => {
    const path = `documents[${index}]`;
    requireWellFormed(`${path}.key`, key);
    requireWellFormed(`${path}.lang`, lang);
    const name = JSON.stringify([key, lang]);
    if (seen.has(name)) throw invalidField(path, "names a document that stands before it", "repeated.unique");
    seen.add(name);
    return { key, lang, etag: "" };
  });
}

/** A page size; 0 is the default. */
function sizeOf(field: string, asked: number, byDefault: number): number {
  if (asked < 0 || asked > documentPageMax) throw invalidField(field, `must be from 0 to ${documentPageMax}`, "int32.gte_lte");
  return asked === 0 ? byDefault : asked;
}

function revisionAt(position: Uint8Array): number {
  if (position.length !== 8) throw fail(Reason.PAGE_TOKEN_INVALID);
  return Number(unpackInteger(position, 0));
}

/** Fields that an update mask may name, with what tells that one is present where there is no mask. */
const updatable: Readonly<Record<string, (request: UpdateRequest) => boolean>> = {
  meta: ({ meta }) => Object.keys(meta).length > 0,
  content_md: ({ contentMd }) => contentMd !== "",
  ttl: ({ ttl }) => ttl !== undefined,
};

/** What an update replaces: the fields of its mask, or those that are present (AIP-134). A `ttl` that is cleared is again that of the collection. */
function partsOf(request: UpdateRequest): Parts {
  const paths = request.updateMask?.paths ?? [];
  for (const path of paths) {
    if (!Object.hasOwn(updatable, path)) throw invalidField("update_mask", `must name meta, content_md or ttl, not ${JSON.stringify(path)}`, "field_mask.in");
  }
  const changes = (path: string): boolean => (paths.length > 0 ? paths.includes(path) : updatable[path]!(request));
  requireWellFormed("content_md", request.contentMd);
  const ttlMs = request.ttl && msOfDuration(request.ttl);
  return {
    meta: changes("meta") ? metaEntriesOf(request.meta, "meta") : undefined,
    contentMd: changes("content_md") ? request.contentMd : undefined,
    expiresAtMs: changes("ttl") ? ({ state, nowMs }) => expiryOf(ttlMs, state.config, nowMs) : undefined,
  };
}

function noteRevision({ audit }: Call, revision: number): void {
  audit.notes.push({ name: "revision", value: String(revision) });
}

/** Notes which documents a batch changed, as JSON; the record cuts what is too long and keeps its digest. */
function noteKeys({ audit }: Call, documents: readonly { readonly key: string; readonly lang: string }[]): void {
  audit.notes.push({ name: "documents", value: String(documents.length) }, { name: "keys", value: JSON.stringify(documents.map(({ key, lang }) => [key, lang])) });
}
