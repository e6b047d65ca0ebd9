/** Imports a stream of documents into one collection, batch by batch, and reports what it refused. */
import { create } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import type { Document } from "@parapet/contract/parapet/document/v1/document_pb";
import { NewDocumentSchema, type ImportRefusal, type ImportRequest, type ImportResponse, type NewDocument } from "@parapet/contract/parapet/document/v1/document_service_pb";
import type { Call } from "../call.js";
import { Failure, Reason } from "../errors.js";
import type { Commit, CommitPart } from "../gate/transact.js";
import { importBatchBytes, importBatchDocuments, importRefusalsNamed } from "../limits.js";
import type { CollectionKeys } from "./collection-keys.js";
import type { Documents } from "./documents.js";
import { draftOfImport, type Draft } from "./drafts.js";
import { invalidField } from "./text.js";

/** What importing needs. */
export interface ImportOptions {
  readonly documents: Documents;
  readonly commit: Commit;
  readonly commitPart: CommitPart;
  readonly nowMs: () => number;
  /** The keys of a collection by its name; throws FIELD_INVALID for a name that none can have. */
  readonly keysOf: (call: Call, collection: string) => CollectionKeys;
}

/** Runs one import. */
export type Import = (call: Call, requests: AsyncIterable<ImportRequest>) => Promise<ImportResponse>;

/**
 * Makes imports. The first message names the collection. Up to `importBatchDocuments` documents or `importBatchBytes` are held
 * at a time, and committed `importBatchRows` at a time, each with a PROGRESS record; the end commits with the call's own. A
 * document that breaks a rule of NewDocument is refused under its position in the stream and the rest goes on; of the refusals
 * the first `importRefusalsNamed` are named and all are counted. When the stream or the store fails, what was committed stays.
 */
export function createImport({ documents, commit, commitPart, nowMs, keysOf }: ImportOptions): Import {
  const validator = createValidator();
  return async (call, requests) => {
    const refusals: ImportRefusal[] = [];
    let keys: CollectionKeys | undefined;
    let batch: Draft[] = [];
    let batchBytes = 0;
    let line = 0;
    let imported = 0;
    let refused = 0;
    let refusedBefore = 0;

    const flush = async (into: CollectionKeys): Promise<void> => {
      let drafts = batch;
      batch = [];
      batchBytes = 0;
      while (drafts.length > 0) {
        const refusedSince = refused - refusedBefore;
        refusedBefore = refused;
        const count = await commitPart(call, (added: number) => countsOf(added, refusedSince), (tx) => documents.addFirst(tx, into, drafts), "grows");
        imported += count;
        drafts = drafts.slice(count);
      }
    };

    for await (const { collection, document } of requests) {
      line++;
      if (keys === undefined) {
        if (collection === "") throw invalidField("collection", "the first message must name it", "string.min_len");
        keys = keysOf(call, collection);
      }
      try {
        if (collection !== "" && collection !== keys.collection) throw invalidField("collection", "must be that of the first message, or empty", "string.const");
        const draft = accept(document, nowMs());
        batch.push(draft);
        batchBytes += draft.prepared.body.length;
      } catch (error) {
        if (!(error instanceof Failure) || error.reason !== Reason.FIELD_INVALID) throw error;
        refused++;
        if (refusals.length < importRefusalsNamed) refusals.push({ $typeName: "parapet.document.v1.ImportRefusal", line, message: error.message });
      }
      if (batch.length === importBatchDocuments || batchBytes >= importBatchBytes) await flush(keys);
    }
    if (keys !== undefined && batch.length > 0) await flush(keys);
    return commit(call, () => {
      call.audit.notes.push(...countsOf(imported, refused));
      return { $typeName: "parapet.document.v1.ImportResponse", imported, refused, refusals };
    });
  };

  /** The draft of a document that keeps the rules. Throws FIELD_INVALID with the first that it breaks. */
  function accept(document: Document | undefined, now: number): Draft {
    if (document === undefined) throw invalidField("document", "must be set", "required");
    const { key, lang, meta, contentMd } = document;
    const valid: NewDocument = create(NewDocumentSchema, { key, lang, meta, contentMd });
    const result = validator.validate(NewDocumentSchema, valid);
    if (result.kind === "error") throw result.error;
    const [first] = result.violations ?? [];
    if (first !== undefined) throw invalidField(`document.${first.toString().split(":")[0]}`, first.message, first.ruleId);
    return draftOfImport(document, valid, now);
  }
}

function countsOf(imported: number, refused: number): { name: string; value: string }[] {
  return [
    { name: "imported", value: String(imported) },
    { name: "refused", value: String(refused) },
  ];
}
