/** The document of one kilobyte that every server here answers with. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Document, DocumentSchema } from "@parapet/contract/parapet/document/v1/document_pb";
import { AddRequestSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { keyPlaceholder } from "./job.js";

/** The collection that holds it. */
export const benchCollection = "bench";

/** Size of the document as a binary message, in bytes. */
export const documentBytes = 1024;

const paragraph = "Every call passes the gate: who calls, how often, with which right. What it changed is on record before the answer leaves. ";

/** What a client sends to add the document. */
const content: MessageInitShape<typeof AddRequestSchema> = {
  collection: benchCollection,
  key: keyPlaceholder,
  lang: "en",
  meta: {
    tags: { values: [stringValue("bench"), stringValue("markdown")] },
    author: { values: [stringValue("bench")] },
  },
};

/** The document as a server would answer it, exactly `documentBytes` long. */
export function sampleDocument(): Document {
  const written = { seconds: 1_790_000_000n, nanos: 123_456_789 };
  const document = create(DocumentSchema, {
    ...(content as object),
    id: "01990000-0000-7000-8000-000000000000",
    contentMd: "",
    addedAt: written,
    updatedAt: written,
    revision: 1,
    etag: "0000000000000001",
  });
  document.contentMd = "#".repeat(documentBytes - toBinary(DocumentSchema, document).length - 3);
  document.contentMd = text(document.contentMd.length);
  return document;
}

/** The request that adds it. */
export function sampleAdd(): MessageInitShape<typeof AddRequestSchema> {
  return { ...content, contentMd: sampleDocument().contentMd };
}

function text(length: number): string {
  return `# Bench\n\n${paragraph.repeat(Math.ceil(length / paragraph.length))}`.slice(0, length);
}

function stringValue(value: string): { kind: { case: "stringValue"; value: string } } {
  return { kind: { case: "stringValue", value } };
}
