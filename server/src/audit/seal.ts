/** Seals the personal part of records under a key for each subject, so that destroying the key erases the person. */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomFillSync } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { type AuditRecord, type SealedFields, SealedFieldsSchema } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { codecsOf } from "../codec/codec.js";
import { fail, Reason } from "../errors.js";
import { sealingKeysCached } from "../limits.js";
import { kinds, pack, rangeOf } from "../store/keys.js";
import { roomFor } from "../store/slab.js";
import type { Reader, Transaction } from "../store/store.js";

/** Which record a sealed part belongs to; it opens in no other. */
export interface SealedPlace {
  readonly tenant: string;
  readonly sequence: bigint;
  readonly requestId: string;
}

/** Seals and opens the personal part of records. */
export interface Sealer {
  /** Seals within the transaction that writes the record; makes the subject's key where it is the first to need it. */
  seal(tx: Transaction, subject: string, place: SealedPlace, personal: Omit<SealedFields, "$typeName">): Uint8Array;
  /** Opens parts read from one state; remembers the keys it met, so make one for each page. */
  opener(reader: Reader): (record: AuditRecord) => SealedFields | undefined;
  /**
   * Destroys the key of a subject: what was sealed under it cannot be opened again, and the log still verifies (AU-26).
   * False if there was none. Copies of the store made before, and free pages of the file until they are used again, still
   * hold the key, wrapped.
   */
  erase(tx: Transaction, tenant: string, subject: string): boolean;
}

/** The key of a subject as it is unwrapped, and that of the block of records it was last asked for. */
interface SubjectKey {
  readonly stored: Uint8Array;
  readonly key: Uint8Array;
  block: { readonly number: bigint; readonly key: Uint8Array } | undefined;
}

/** What sealing needs. */
export interface SealerOptions {
  /** 32 bytes; wraps the subjects' keys. Lives outside the store. */
  readonly masterKey: Uint8Array;
  /** Random bytes; default those of node:crypto. */
  readonly random?: (length: number) => Uint8Array;
}

/** Version of a wrapped key. */
const wrapVersion = 1;
/** Version of a sealed part. */
const version = 2;
/** Records of a subject that share a key: 2 to this power, by their sequence. */
const blockBits = 16n;
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;
const keyNameBytes = 8;
const cipher = "aes-256-gcm";
const tagOptions = { authTagLength: tagBytes };
const versionByte = Uint8Array.of(version);
const writeSealed: (fields: SealedFields) => Uint8Array = codecsOf(SealedFieldsSchema).writeBinary;

/**
 * Subject of a caller: its opaque id, or, for those without one, the day (UTC): bounded state, erasable by age. A name that
 * was claimed at a failed login belongs to the day, because nothing proved it.
 */
export function subjectOf(actorId: string, timeNs: bigint): string {
  return actorId !== "" ? actorId : `anonymous-${new Date(Number(timeNs / 1_000_000n)).toISOString().slice(0, 10)}`;
}

/**
 * Makes a sealer. Stored under (tenant, sealingKey, subject): version byte, 8 bytes that name the master key, 12-byte nonce,
 * the subject's 32-byte key under AES-256-GCM, 16-byte tag; associated data: what stands before the nonce, tenant and
 * subject, length-framed. A record's part is sealed under HMAC-SHA256(subject's key, sequence / 2^16 in 8 bytes), so that no key
 * meets more than 65,536 nonces (SP 800-38D allows 2^32) and most records find theirs made.
 */
export function createSealer({ masterKey, random = pooledBytes() }: SealerOptions): Sealer {
  if (masterKey.length !== keyBytes) throw new RangeError(`a master key has ${keyBytes} bytes`);
  const wrapHead = wrapHeadOf(masterKey);
  // Trusted only for the very bytes that the store holds now: an aborted transaction or an erased key cannot leave it wrong.
  const unwrapped = new Map<string, SubjectKey>();

  const remember = (row: Uint8Array, stored: Uint8Array, key: Uint8Array): SubjectKey => {
    const name = nameOf(row);
    // Copies of its own: what the store gave shares its memory with much else.
    const known: SubjectKey = { stored: Uint8Array.from(stored), key: Uint8Array.from(key), block: undefined };
    unwrapped.delete(name);
    unwrapped.set(name, known);
    if (unwrapped.size > sealingKeysCached) unwrapped.delete(unwrapped.keys().next().value!);
    return known;
  };
  const wrapData = (tenant: string, subject: string): Buffer => Buffer.concat([wrapHead, framed(tenant), framed(subject)]);
  const unwrap = (row: Uint8Array, stored: Uint8Array, tenant: string, subject: string): SubjectKey => {
    const known = unwrapped.get(nameOf(row));
    if (known !== undefined && Buffer.compare(known.stored, stored) === 0) return known;
    const foreign = Buffer.compare(stored.subarray(0, wrapHead.length), wrapHead) !== 0;
    const key = foreign ? undefined : opened(masterKey, wrapData(tenant, subject), stored.subarray(wrapHead.length));
    if (key?.length !== keyBytes) throw fail(Reason.STORED_DATA_CORRUPT, {}, { cause: new Error(foreign ? "a sealing key is wrapped under another master key" : "a sealing key does not unwrap") });
    return remember(row, stored, key);
  };
  const keyFor = (tx: Transaction, tenant: string, subject: string): SubjectKey => {
    const row = rowOf(tenant, subject);
    const stored = tx.get(row);
    if (stored !== undefined) return unwrap(row, stored, tenant, subject);
    const key = random(keyBytes);
    const wrapped = Buffer.concat([wrapHead, closed(masterKey, wrapData(tenant, subject), key, random(nonceBytes))]);
    tx.put(row, wrapped);
    return remember(row, wrapped, key);
  };

  return {
    seal(tx, subject, place, personal) {
      const key = recordKey(keyFor(tx, place.tenant, subject), place.sequence);
      const { actorName, clientIp, userAgent } = personal;
      const plain = writeSealed({ $typeName: "parapet.audit.v1.SealedFields", actorName, clientIp, userAgent });
      return Buffer.concat([versionByte, closed(key, recordData(place, subject), plain, random(nonceBytes))]);
    },
    opener(reader) {
      const keys = new Map<string, SubjectKey | undefined>();
      const keyOf = (tenant: string, subject: string): SubjectKey | undefined => {
        if (!keys.has(subject)) {
          const row = rowOf(tenant, subject);
          const stored = reader.get(row);
          keys.set(subject, stored && unwrap(row, stored, tenant, subject));
        }
        return keys.get(subject);
      };
      return (record) => {
        const { sealed, sealingKeyId: subject, tenant } = record;
        if (sealed.length === 0 || sealed[0] !== version) return undefined;
        const key = keyOf(tenant, subject);
        // A part that does not open was sealed under a key that is gone; whether it was changed, the tree tells.
        const plain = key && opened(recordKey(key, record.sequence), recordData(record, subject), sealed.subarray(1));
        return plain && fromBinary(SealedFieldsSchema, plain);
      };
    },
    erase(tx, tenant, subject) {
      const row = rowOf(tenant, subject);
      unwrapped.delete(nameOf(row));
      return tx.remove(row);
    },
  };
}

/** Whether the subjects' keys of a store are wrapped under a master key: with another one no record can be written. True where there are none. */
export function isWrappedUnder(reader: Reader, tenant: string, masterKey: Uint8Array | undefined): boolean {
  const [first] = reader.range({ ...rangeOf([tenant, kinds.sealingKey]), limit: 1 });
  if (first === undefined) return true;
  if (masterKey === undefined) return false;
  const head = wrapHeadOf(masterKey);
  return Buffer.compare(first.value.subarray(0, head.length), head) === 0;
}

/** The beginning of each key that is wrapped under a master key: version and the master key's name. */
function wrapHeadOf(masterKey: Uint8Array): Buffer {
  const name = createHash("sha256").update("parapet master key\0").update(masterKey).digest().subarray(0, keyNameBytes);
  return Buffer.concat([Uint8Array.of(wrapVersion), name]);
}

function rowOf(tenant: string, subject: string): Uint8Array {
  return pack([tenant, kinds.sealingKey, subject]);
}

/** The name of a row in a map. */
function nameOf(row: Uint8Array): string {
  return Buffer.from(row.buffer, row.byteOffset, row.byteLength).toString("latin1");
}

/** The key of a record's block. */
function recordKey(subject: SubjectKey, sequence: bigint): Uint8Array {
  const number = sequence >> blockBits;
  if (subject.block?.number !== number) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(number);
    subject.block = { number, key: createHmac("sha256", subject.key).update(bytes).digest() };
  }
  return subject.block.key;
}

/** What a sealed part is bound to: tenant and subject, length-framed, the sequence in 8 bytes, and the request id. */
function recordData({ tenant, sequence, requestId }: SealedPlace, subject: string): Buffer {
  const data = roomFor(16 + 3 * (tenant.length + subject.length + requestId.length));
  const end = data.writeBigUInt64BE(sequence, writeFramed(data, writeFramed(data, 0, tenant), subject));
  return data.subarray(0, end + data.write(requestId, end));
}

/** Writes a text and, ahead of it, its length in 4 bytes; returns the offset behind it. */
function writeFramed(out: Buffer, at: number, text: string): number {
  const length = out.write(text, at + 4);
  out.writeUInt32BE(length, at);
  return at + 4 + length;
}

function framed(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Random bytes from node:crypto, fetched many at a time, each given out once and then wiped. */
function pooledBytes(): (length: number) => Uint8Array {
  const pool = new Uint8Array(4_096);
  let used = pool.length;
  return (length) => {
    if (used + length > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const bytes = pool.slice(used, used + length);
    pool.fill(0, used, used + length);
    used += length;
    return bytes;
  };
}

/** Nonce, ciphertext, tag. */
function closed(key: Uint8Array, data: Uint8Array, plain: Uint8Array, nonce: Uint8Array): Buffer {
  const sealing = createCipheriv(cipher, key, nonce, tagOptions).setAAD(data);
  const text = sealing.update(plain);
  // A stream cipher has nothing left at its end but the tag.
  sealing.final();
  return Buffer.concat([nonce, text, sealing.getAuthTag()]);
}

/** What `closed` closed; undefined unless every bit is as it was. */
function opened(key: Uint8Array, data: Uint8Array, box: Uint8Array): Uint8Array | undefined {
  if (box.length < nonceBytes + tagBytes) return undefined;
  const end = box.length - tagBytes;
  const opening = createDecipheriv(cipher, key, box.subarray(0, nonceBytes), tagOptions).setAAD(data).setAuthTag(box.subarray(end));
  try {
    return Buffer.concat([opening.update(box.subarray(nonceBytes, end)), opening.final()]);
  } catch {
    return undefined;
  }
}
