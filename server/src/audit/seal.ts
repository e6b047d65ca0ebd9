/** Seals the personal part of records under a key for each subject, so that destroying the key erases the person. */
import { createCipheriv, createDecipheriv, createHash, hash, randomFillSync } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { type AuditRecord, type SealedFields, SealedFieldsSchema } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import { codecsOf } from "../codec/codec.js";
import { fail, Reason } from "../errors.js";
import { sealingKeysCached } from "../limits.js";
import { kinds, pack } from "../store/keys.js";
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

/** What sealing needs. */
export interface SealerOptions {
  /** 32 bytes; wraps the subjects' keys. Lives outside the store. */
  readonly masterKey: Uint8Array;
  /** Random bytes; default those of node:crypto. */
  readonly random?: (length: number) => Uint8Array;
}

const version = 1;
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;
const keyNameBytes = 8;
const cipher = "aes-256-gcm";
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
 * subject, length-framed. A record's part is sealed under HMAC-SHA256(subject's key, sequence), so that no key meets more
 * than a few nonces (SP 800-38D allows 2^32).
 */
export function createSealer({ masterKey, random = pooledBytes() }: SealerOptions): Sealer {
  if (masterKey.length !== keyBytes) throw new RangeError(`a master key has ${keyBytes} bytes`);
  const masterName = createHash("sha256").update("parapet master key\0").update(masterKey).digest().subarray(0, keyNameBytes);
  const wrapHead = Buffer.concat([Uint8Array.of(version), masterName]);
  // Trusted only for the very bytes that the store holds now: an aborted transaction or an erased key cannot leave it wrong.
  const unwrapped = new Map<string, { readonly stored: Uint8Array; readonly key: Uint8Array }>();

  const remember = (row: Uint8Array, stored: Uint8Array, key: Uint8Array): Uint8Array => {
    const name = Buffer.from(row).toString("latin1");
    unwrapped.delete(name);
    unwrapped.set(name, { stored, key });
    if (unwrapped.size > sealingKeysCached) unwrapped.delete(unwrapped.keys().next().value!);
    return key;
  };
  const wrapData = (tenant: string, subject: string): Buffer => Buffer.concat([wrapHead, framed(tenant), framed(subject)]);
  const unwrap = (row: Uint8Array, stored: Uint8Array, tenant: string, subject: string): Uint8Array => {
    const known = unwrapped.get(Buffer.from(row).toString("latin1"));
    if (known !== undefined && Buffer.compare(known.stored, stored) === 0) return known.key;
    const foreign = Buffer.compare(stored.subarray(0, wrapHead.length), wrapHead) !== 0;
    const key = foreign ? undefined : opened(masterKey, wrapData(tenant, subject), stored.subarray(wrapHead.length));
    if (key?.length !== keyBytes) throw fail(Reason.STORED_DATA_CORRUPT, {}, { cause: new Error(foreign ? "a sealing key is wrapped under another master key" : "a sealing key does not unwrap") });
    return remember(row, stored, key);
  };
  const keyFor = (tx: Transaction, tenant: string, subject: string): Uint8Array => {
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
      return Buffer.concat([Uint8Array.of(version), closed(key, recordData(place, subject), plain, random(nonceBytes))]);
    },
    opener(reader) {
      const keys = new Map<string, Uint8Array | undefined>();
      const keyOf = (tenant: string, subject: string): Uint8Array | undefined => {
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
      unwrapped.delete(Buffer.from(row).toString("latin1"));
      return tx.remove(row);
    },
  };
}

function rowOf(tenant: string, subject: string): Uint8Array {
  return pack([tenant, kinds.sealingKey, subject]);
}

/** HMAC-SHA256 (RFC 2104) of the sequence. Two digests at one go take a third of the time that an object of Node's for it takes. */
function recordKey(subjectKey: Uint8Array, sequence: bigint): Buffer {
  const inner = Buffer.alloc(hashBlockBytes + 8, innerPad);
  const outer = Buffer.alloc(hashBlockBytes + keyBytes, outerPad);
  for (let i = 0; i < keyBytes; i++) {
    inner[i]! ^= subjectKey[i]!;
    outer[i]! ^= subjectKey[i]!;
  }
  inner.writeBigUInt64BE(sequence, hashBlockBytes);
  outer.set(hash("sha256", inner, "buffer"), hashBlockBytes);
  return hash("sha256", outer, "buffer");
}

const hashBlockBytes = 64;
const innerPad = 0x36;
const outerPad = 0x5c;

function recordData({ tenant, requestId }: Omit<SealedPlace, "sequence">, subject: string): Buffer {
  return Buffer.concat([framed(tenant), framed(subject), Buffer.from(requestId, "utf8")]);
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
  const sealing = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes }).setAAD(data);
  return Buffer.concat([nonce, sealing.update(plain), sealing.final(), sealing.getAuthTag()]);
}

/** What `closed` closed; undefined unless every bit is as it was. */
function opened(key: Uint8Array, data: Uint8Array, box: Uint8Array): Uint8Array | undefined {
  if (box.length < nonceBytes + tagBytes) return undefined;
  const end = box.length - tagBytes;
  const opening = createDecipheriv(cipher, key, box.subarray(0, nonceBytes), { authTagLength: tagBytes }).setAAD(data).setAuthTag(box.subarray(end));
  try {
    return Buffer.concat([opening.update(box.subarray(nonceBytes, end)), opening.final()]);
  } catch {
    return undefined;
  }
}
