// What the checks of store and audit log work on: the built server's own parts, and documents made from a number.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";

if (!existsSync(new URL("../../server/dist/audit/log.js", import.meta.url))) {
  console.error("build first: npm run build");
  process.exit(2);
}
const [{ openLmdbStore }, { createAuditLog }, { createSealer }, { createNanosecondClock }, { verifyLog }, { kinds, pack, rangeOf }, { rootOf }] = await Promise.all(
  ["store/lmdb", "audit/log", "audit/seal", "audit/clock", "audit/verify", "store/keys", "audit/tree"].map((part) => import(`../../server/dist/${part}.js`)),
);
export { kinds, openLmdbStore, rangeOf, rootOf, verifyLog };

export const tenant = "default";
export const collection = "storm";

/** The audit log in a store, under a fixed key. */
export function createLog(store) {
  return createAuditLog({ store, sealer: createSealer({ masterKey: new Uint8Array(32).fill(5) }), nowNs: createNanosecondClock() });
}

/** True if the transaction with this number is one that rolls back. */
export function isAborted(number, abortEvery) {
  return abortEvery > 0 && number % abortEvery === abortEvery - 1;
}

/** Text that stands in the row of a document and nowhere else. */
export function markOf(id) {
  return `<mark ${id}>`;
}

/** The rows of one document: itself (1 KB), by key with its etag, and three of the meta index. */
export function documentRows(id) {
  const content = `${markOf(id)} ${id.repeat(300)}`.slice(0, 1_000);
  const etag = createHash("sha256").update(content).digest("hex");
  return [
    [pack([tenant, kinds.document, collection, id]), Buffer.from(content)],
    [pack([tenant, kinds.documentByKey, collection, id]), Buffer.from(etag)],
    ...["tag", "lang", "author"].map((name) => [pack([tenant, kinds.documentByMeta, collection, name, id.slice(-1), id]), new Uint8Array()]),
  ];
}

/** The facts of the call that wrote it. */
export function factsOf(id) {
  return {
    tenant,
    actorId: `usr_${id.slice(-1)}`,
    credentialKind: 2,
    credentialId: `jti-${id}`,
    action: "document.add",
    method: "parapet.document.v1.DocumentService/AddDocument",
    resource: `collections/${collection}/documents/${id}`,
    collection,
    key: id,
    decision: 1,
    rule: `write on ${collection}`,
    outcomeCode: 0,
    reason: "",
    protocol: 1,
    requestId: id,
    traceId: "",
    notes: [{ name: "bytes", value: "1000" }],
    phase: 0,
    actorName: `user ${id.slice(-1)}`,
    clientIp: "203.0.113.7",
    userAgent: "storm/1",
  };
}
