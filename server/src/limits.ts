/** Every number of the server, with its unit. Configuration may override those that `config.ts` names. */

/** Largest request message, decompressed, in bytes. */
export const messageBytesMax = 16 * 1024 * 1024;
/** Largest request message of a caller without a principal, decompressed, in bytes: nobody's bytes are kept beyond it (AN-06). */
export const anonymousMessageBytesMax = 64 * 1024;
/** Largest response message, in bytes. */
export const responseBytesMax = 64 * 1024 * 1024;
/** Of a refused body at most this much is buffered, in bytes (AN-06). */
export const refusedBodyBufferBytes = 64 * 1024;
/** Of a refused body at most this much is read and thrown away before the connection closes, in bytes (AN-06). */
export const refusedBodyDiscardBytes = 1024 * 1024;
/** For at most this long a refused body is read and thrown away, in milliseconds (AN-06). */
export const refusedBodyDiscardMs = 1_000;
/** A browser shows its page no answer of status 200 before its whole body is sent: over HTTP/1.1 such a body, up to the largest message, is thrown away for so long, in milliseconds. */
export const refusedUploadDiscardMs = 10_000;
/** Largest header block, in bytes. */
export const headerBytesMax = 16 * 1024;
/** Time for the first bytes that decide the protocol of a connection, in milliseconds. */
export const peekTimeoutMs = 10_000;
/** Time for the headers of a request, in milliseconds (Node's own default). */
export const headersTimeoutMs = 60_000;
/** Time for a whole request, in milliseconds (Node's own default). */
export const requestTimeoutMs = 300_000;
/** Time an idle HTTP/1.1 connection is kept, in milliseconds. */
export const keepAliveTimeoutMs = 65_000;
/** A caller that closed its side over HTTP/1.1 and has no answer yet is asked whether it is still there after these times, the last one again and again, in milliseconds. */
export const halfClosedProbesMs = [100, 100, 10_000] as const;
/** Such a connection is cut if nothing could be said on it for so long, in milliseconds. */
export const halfClosedIdleMs = 60_000;
/** Time an h2 session without a stream is kept, in milliseconds. */
export const h2IdleTimeoutMs = 65_000;
/** Time an h2 stream may pass without a byte of the body that it announced, in milliseconds. */
export const h2StreamTimeoutMs = 60_000;
/** Streams a client may have open on one h2 connection. */
export const h2StreamsMax = 128;
/** Longest deadline a client may ask for, in milliseconds; longer ones are cut to it. */
export const deadlineMsMax = 10 * 60_000;
/** Time a draining server waits for calls to end, in milliseconds. */
export const drainTimeoutMs = 10_000;
/** Time that calls which a drain cut off have for writing their records, in milliseconds. */
export const settleTimeoutMs = 2_000;
/** Longest collection name, in bytes. */
export const collectionBytesMax = 128;
/** Longest document key, in bytes. */
export const documentKeyBytesMax = 512;
/** Longest language tag, in bytes. */
export const langBytesMax = 35;
/** Longest credential that is looked at, in bytes. */
export const credentialBytesMax = 8 * 1024;
/** Longest request id that is echoed, in characters. */
export const requestIdCharsMax = 128;
/** Longest value of one audit detail, in bytes; longer ones are cut and carry a digest (AU-22). */
export const auditDetailBytesMax = 2 * 1024;
/** Longest User-Agent that is recorded, in bytes. */
export const userAgentBytesMax = 256;
/** How long an idempotency key is kept, in milliseconds. */
export const idempotencyKeyLifetimeMs = 24 * 3_600_000;
/** Idempotency keys kept of one principal. */
export const idempotencyKeysPerPrincipalMax = 10_000;
/** Longest idempotency key, in bytes. */
export const idempotencyKeyBytesMax = 255;
/** Pieces that are padded by themselves in one text of gRPC-Web, or in what came of it at once. */
export const base64PiecesMax = 65_536;
/** How deep objects and lists of a JSON message may lie in one another. */
export const jsonDepthMax = 10_000;
/** Fields, objects, lists and texts in one message, at any depth: each costs many times the two bytes that it may take to write. */
export const messageFieldsMax = 200_000;
/** So many plain values of a list in JSON cost as much as one field. */
export const plainValuesPerField = 4;
/** So many numbers of a packed list cost as much as one field. */
export const packedNumbersPerField = 16;
/** Documents that one transaction of an import commits. */
export const importBatchDocuments = 500;
/** Rows that one transaction of an import writes and removes, those of its last document excepted; the documents behind it wait for the next. */
export const importBatchRows = 10_000;
/** Rows that one batch of documents may write and remove: nobody else is answered while it does, which takes some 5 us a row. */
export const batchRowsMax = 32_768;
/** Rows that a long scan reads before it lets other calls run. */
export const scanYieldRows = 1_000;
/** Verdicts on credentials that are remembered. */
export const verdictCacheEntries = 50_000;
/** Buckets kept in memory; beyond them the fullest idle ones are dropped. */
export const bucketsMax = 200_000;
/** Buckets that a new one makes the limiter look at, to find idle ones or the fullest. */
export const bucketsLookedAt = 32;
/** Entries that a strict window keeps of one subject; up to this many units the log is exact. */
export const strictWindowEntriesMax = 1_024;
/** Passwords that are hashed or verified at one time; each takes a thread and 19 MiB. */
export const passwordsAtOnce = 2;
/** Passwords that may wait for their turn; beyond them logins are refused. */
export const passwordsWaitingMax = 200;
/** Difference of clocks that is forgiven in a token's times, in seconds. */
export const tokenLeewaySeconds = 5;
/** How long a token is valid where nothing is configured, in milliseconds. */
export const tokenLifetimeMs = 24 * 3_600_000;
/** Shortest secret that signs tokens, in bytes (RFC 7518 section 3.2). */
export const tokenSecretBytesMin = 32;
/** API keys that one user may have, expired ones included: revoking all of them is one transaction. */
export const apiKeysPerUserMax = 100;
/** The use of an API key is noted to this much, in milliseconds. */
export const apiKeyUseGrainMs = 60_000;
/** Entries of a page where the caller asks for 0. */
export const authPageSizeDefault = 100;
/** Over-limit refusals are recorded one by one at most this often per principal and bucket, in milliseconds; the rest are counted. */
export const countedRecordIntervalMs = 1_000;
/** Longest key of a store, in bytes (what LMDB takes with 4 KiB pages). */
export const storeKeyBytesMax = 1_978;
/** Address space that LMDB maps at first, in bytes; it grows by itself and costs no memory. */
export const storeMapBytes = 1024 * 1024 * 1024;
/** Largest store where nothing is configured, in bytes. */
export const storeBytesMax = 1024 * 1024 * 1024 * 1024;
/** Room that is kept for changes that must go on when a store or its disk is full, in bytes, where nothing is configured. */
export const storeBytesReserved = 32 * 1024 * 1024;
/** The room of a store is measured again when this much was written, in bytes. */
export const roomRemeasureBytes = 1024 * 1024;
/** The room of a store is measured again, by whoever needs it, after this long, in milliseconds. */
export const roomRemeasureMs = 1_000;
/** A store says that it is full when there is not this much above what is kept, in bytes. */
export const roomMarginBytes = 64 * 1024;
/** Entries that a scan inside a transaction reads ahead. */
export const storeReadAheadEntries = 64;
/** Details of one audit record; further ones become one that counts them and carries their digest (AU-22). */
export const auditDetailsMax = 64;
/** Subject keys kept open in memory. */
export const sealingKeysCached = 4_096;
/** Values in the meta data of one document, over all names. */
export const metaValuesMax = 4_096;
/** Longest meta value that its index holds whole, in bytes; of longer ones it holds this much and a digest. */
export const metaIndexValueBytes = 256;
/** Values in one filter, over all names. */
export const filterValuesMax = 256;
/** Documents of a search page where the caller asks for 0. */
export const searchPageDocuments = 50;
/** Revisions of a page where the caller asks for 0. */
export const revisionPageSize = 50;
/** Collections of a page where the caller asks for 0. */
export const collectionPageSize = 100;
/** Largest page any of these lists gives, in entries. */
export const documentPageMax = 1_000;
/** A page ends early once its documents hold this much, in bytes as stored. */
export const documentPageBytes = 32 * 1024 * 1024;
/** Positions that a filtered search sorts in memory; a page further in is found by walking the order instead. */
export const searchSortedMax = 10_000;
/** Revisions kept of each document where the collection says 0. */
export const revisionsKept = 100;
/** An import commits early once its batch holds this much, in bytes as stored. */
export const importBatchBytes = 16 * 1024 * 1024;
/** Refusals that an import names; further ones are counted. */
export const importRefusalsNamed = 100;
/** Rows that one transaction of a sweep or of a collection's deletion removes, a last document excepted. */
export const purgeRowsMax = 10_000;
/** A collection with no more documents than this goes in one transaction, if it is no larger than `purgeBytesMax` either. */
export const purgeDocumentsMax = 100;
/** A collection with no more bytes than this goes in one transaction; they bound the index rows that go with them. */
export const purgeBytesMax = 1024 * 1024;
/** Bytes of an archive that one message of its stream holds. */
export const archiveChunkBytes = 64 * 1024;
/** Collections whose key prefixes stay computed. */
export const collectionKeysCached = 1_024;
/** Audit records of a page where the caller asks for 0. */
export const auditPageSizeDefault = 100;
/** Longest text in an error (its message, a value of its metadata, a field or description of a violation), in characters. */
export const errorTextCharsMax = 256;
/** Of the violations in one error those are kept that fit, in bytes. */
export const violationBytesMax = 2 * 1024;
/** Size of the file in which worker processes keep their common budgets, in bytes; it is taken whole at the start. */
export const sharedLimitsBytes = 128 * 1024 * 1024;
/** A worker process that ended is started again after this long at first, in milliseconds; each early end doubles it. */
export const workerRestartMsMin = 100;
/** A worker process is never waited with longer than this, in milliseconds. */
export const workerRestartMsMax = 10_000;
/** A worker process that lived this long, in milliseconds, ended for a reason of its own: the doubling begins anew. */
export const workerStableMs = 30_000;
/** A worker process that was told to drain is killed this long after its time to do so, in milliseconds. */
export const workerGraceMs = 5_000;
/** Workers that do not tell their metrics within this, in milliseconds, are left out of the answer. */
export const workerMetricsMs = 1_000;
/** A worker process that is let into an environment has this long to map it, in milliseconds; writers wait meanwhile. */
export const admissionMsMax = 10_000;
/** How often either side looks whether the other has done its part, in milliseconds. */
export const admissionPollMs = 1;
/** Connections that wait in the primary process for a worker; beyond them they are closed. */
export const connectionsWaitingMax = 1_024;
