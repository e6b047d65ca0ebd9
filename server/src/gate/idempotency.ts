/** Idempotency keys: one execution a key, its response replayed (draft-ietf-httpapi-idempotency-key-header). */
import { createHash, timingSafeEqual } from "node:crypto";
import { fromBinary, toBinary, type Message } from "@bufbuild/protobuf";
import { IdempotencyKey } from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { Call } from "../call.js";
import { fail, Reason } from "../errors.js";
import { idempotencyKeyBytesMax, idempotencyKeyLifetimeMs, idempotencyKeysPerPrincipalMax } from "../limits.js";
import { kinds, pack, rangeOf } from "../store/keys.js";
import type { Reader, Store, Transaction } from "../store/store.js";

/** One call's use of its key. */
export interface Idempotency {
  /**
   * Before the handler: the stored response of an earlier call with the same key and request, if there is one.
   * Throws IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_IN_FLIGHT, IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_RESPONSE_WITHHELD.
   */
  begin(call: Call, request: Message): Message | undefined;
  /** In the transaction: throws if another call won the key meanwhile. */
  refuseIfClaimed(tx: Transaction, call: Call): void;
  /** In the transaction: keeps the response. */
  claim(tx: Transaction, call: Call, response: Message): void;
  /** After the handler, whatever its outcome. */
  end(call: Call): void;
}

// Row: SHA-256 of the request (32 bytes), time of the claim in ms (8), 1 if the response was withheld (1), response.
const hashBytes = 32;
const timeAt = hashBytes;
const withheldAt = timeAt + 8;
const responseAt = withheldAt + 1;

interface Claim {
  readonly rowKey: Uint8Array;
  readonly requestHash: Uint8Array;
}

/** Keys kept in the store: tenant, principal, method and the key's SHA-256. */
export function createIdempotency(store: Store, nowMs: () => number): Idempotency {
  const running = new Set<string>();
  const claims = new WeakMap<Call, Claim>();

  const row = (reader: Reader, rowKey: Uint8Array): Uint8Array | undefined => {
    const value = reader.get(rowKey);
    if (value === undefined) return undefined;
    const claimedMs = Number(new DataView(value.buffer, value.byteOffset).getBigUint64(timeAt));
    return nowMs() - claimedMs < idempotencyKeyLifetimeMs ? value : undefined;
  };

  return {
    begin(call, request) {
      const { plan, principal, idempotencyKey } = call;
      if (plan.idempotencyKey === IdempotencyKey.UNSPECIFIED) return undefined;
      if (idempotencyKey === "") {
        if (plan.idempotencyKey !== IdempotencyKey.REQUIRED) return undefined;
        throw fail(Reason.IDEMPOTENCY_KEY_INVALID, {}, { message: "this method needs an Idempotency-Key" });
      }
      if (Buffer.byteLength(idempotencyKey) > idempotencyKeyBytesMax) {
        throw fail(Reason.IDEMPOTENCY_KEY_INVALID, {}, { message: `an Idempotency-Key has at most ${idempotencyKeyBytesMax} bytes` });
      }
      if (principal === undefined) return undefined;
      const rowKey = pack([call.tenant, kinds.idempotency, principal.id, plan.name, createHash("sha256").update(idempotencyKey).digest()]);
      const requestHash = createHash("sha256").update(toBinary(plan.input, request)).digest();
      const stored = row(store, rowKey);
      if (stored !== undefined) return replay(call, stored, requestHash);
      const name = Buffer.from(rowKey).toString("latin1");
      if (running.has(name)) throw fail(Reason.IDEMPOTENCY_IN_FLIGHT, {}, { message: "a call with this Idempotency-Key is running" });
      running.add(name);
      claims.set(call, { rowKey, requestHash });
      return undefined;
    },
    refuseIfClaimed(tx, call) {
      const claim = claims.get(call);
      if (claim !== undefined && row(tx, claim.rowKey) !== undefined) throw fail(Reason.IDEMPOTENCY_IN_FLIGHT);
    },
    claim(tx, call, response) {
      const claim = claims.get(call);
      if (claim === undefined) return;
      const kept = call.plan.secretResponse ? new Uint8Array(0) : toBinary(call.plan.output, response);
      const value = new Uint8Array(responseAt + kept.length);
      value.set(claim.requestHash, 0);
      const now = nowMs();
      new DataView(value.buffer).setBigUint64(timeAt, BigInt(now));
      value[withheldAt] = call.plan.secretResponse ? 1 : 0;
      value.set(kept, responseAt);
      tx.put(claim.rowKey, value);
      tx.put(pack([call.tenant, kinds.idempotencyByTime, call.principal!.id, now, claim.rowKey]), claim.rowKey);
      sweep(tx, call.tenant, call.principal!.id, now);
    },
    end(call) {
      const claim = claims.get(call);
      if (claim === undefined) return;
      claims.delete(call);
      running.delete(Buffer.from(claim.rowKey).toString("latin1"));
    },
  };
}

function replay(call: Call, stored: Uint8Array, requestHash: Uint8Array): Message {
  if (!timingSafeEqual(stored.subarray(0, hashBytes), requestHash)) {
    throw fail(Reason.IDEMPOTENCY_KEY_REUSED, {}, { message: "this Idempotency-Key was used for another request" });
  }
  if (stored[withheldAt] === 1) {
    throw fail(Reason.IDEMPOTENCY_RESPONSE_WITHHELD, {}, { message: "the call was executed; its response held a secret and was not kept" });
  }
  call.responseHeaders.push(["idempotency-replayed", "true"]);
  call.audit.notes.push({ name: "replayed", value: "true" });
  return fromBinary(call.plan.output, stored.subarray(responseAt));
}

/** Drops the principal's expired claims, and its oldest beyond the bound; a few a call, so that no call pays for many. */
function sweep(tx: Transaction, tenant: string, principalId: string, now: number): void {
  const countKey = pack([tenant, kinds.idempotency, principalId]);
  const before = tx.get(countKey);
  let count = before === undefined ? 1 : new DataView(before.buffer, before.byteOffset).getUint32(0) + 1;
  const prefix = rangeOf([tenant, kinds.idempotencyByTime, principalId]);
  const timeOffset = prefix.gte.length;
  // Read off first: what is removed must not move the scan.
  for (const { key, value } of Array.from(tx.range({ ...prefix, limit: 8 }))) {
    const claimed = Number(new DataView(key.buffer, key.byteOffset).getBigUint64(timeOffset));
    if (now - claimed < idempotencyKeyLifetimeMs && count <= idempotencyKeysPerPrincipalMax) break;
    tx.remove(key);
    // A key used again after it expired has a younger claim under the same row; that one stays.
    const row = tx.get(value);
    if (row !== undefined && Number(new DataView(row.buffer, row.byteOffset).getBigUint64(timeAt)) === claimed) tx.remove(value);
    count--;
  }
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Math.max(0, count));
  tx.put(countKey, bytes);
}
