/** Every number of the server, with its unit. Configuration may override those that `config.ts` names. */

/** Largest request message, decompressed, in bytes. */
export const messageBytesMax = 16 * 1024 * 1024;
/** Largest response message, in bytes. */
export const responseBytesMax = 64 * 1024 * 1024;
/** Of a refused body at most this much is buffered, in bytes (AN-06). */
export const refusedBodyBufferBytes = 64 * 1024;
/** Of a refused body at most this much is read and thrown away before the connection closes, in bytes (AN-06). */
export const refusedBodyDiscardBytes = 1024 * 1024;
/** For at most this long a refused body is read and thrown away, in milliseconds (AN-06). */
export const refusedBodyDiscardMs = 1_000;
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
/** Documents that one transaction of an import commits. */
export const importBatchDocuments = 500;
/** Rows that a long scan reads before it lets other calls run. */
export const scanYieldRows = 1_000;
/** Verdicts on credentials that are remembered. */
export const verdictCacheEntries = 50_000;
/** Buckets kept in memory; beyond them the fullest idle ones are dropped. */
export const bucketsMax = 200_000;
/** Over-limit refusals are recorded one by one at most this often per principal and bucket, in milliseconds; the rest are counted. */
export const countedRecordIntervalMs = 1_000;
