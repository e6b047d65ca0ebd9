/** Other limits for a user or a source, for a time: set by admins, recorded, gone by themselves. */
import { create } from "@bufbuild/protobuf";
import {
  type DeleteLimitOverrideRequest,
  type DeleteLimitOverrideResponse,
  DeleteLimitOverrideResponseSchema,
  type LimitOverride,
  LimitOverrideSchema,
  type ListLimitOverridesRequest,
  type ListLimitOverridesResponse,
  ListLimitOverridesResponseSchema,
  type SetLimitOverrideRequest,
  type SetLimitOverrideResponse,
  SetLimitOverrideResponseSchema,
} from "@parapet/contract/parapet/system/v1/system_service_pb";
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { Call } from "../call.js";
import { fail, Reason } from "../errors.js";
import type { Commit } from "../gate/transact.js";
import type { NewId } from "../identity/ids.js";
import { fieldInvalid, requireWellFormed } from "../identity/well-formed.js";
import { authPageSizeDefault } from "../limits.js";
import { kinds, pack, rangeOf } from "../store/keys.js";
import type { PageTokens } from "../store/page-token.js";
import type { Reader, Store } from "../store/store.js";
import type { BucketNumbers } from "./limiter.js";
import type { OverrideNumbers, OverrideSource } from "./metering.js";
import { sourceOf } from "./source.js";
import { accountSubject, sourceSubject, userSubject } from "./subject.js";

/** What SystemService and the limiter need of overrides. */
export interface LimitOverrides extends OverrideSource {
  /** Sets one, replacing that of the same subject and bucket. Throws USER_NOT_FOUND, FIELD_INVALID. Holds for the very next call. */
  set(request: SetLimitOverrideRequest, call: Call): Promise<SetLimitOverrideResponse>;
  /** Those in force, oldest first. Throws PAGE_TOKEN_INVALID. */
  list(request: ListLimitOverridesRequest, call: Call): ListLimitOverridesResponse;
  /** Ends one. Throws LIMIT_OVERRIDE_NOT_FOUND. */
  delete(request: DeleteLimitOverrideRequest, call: Call): Promise<DeleteLimitOverrideResponse>;
  /** Reads them all again: another process changed some. */
  reload(): void;
  /** Ends the subscription to the store. */
  close(): void;
}

/** What overrides are made of. */
export interface LimitOverridesOptions {
  readonly store: Store;
  readonly tenant: string;
  readonly commit: Commit;
  readonly pageTokens: PageTokens;
  readonly newId: NewId;
  /** Wall clock, in Unix milliseconds. */
  readonly nowMs: () => number;
  /** The buckets in force. */
  readonly buckets: readonly BucketNumbers[];
  /** The opaque id of a user by name; undefined if there is none. */
  readonly userIdOf: (username: string) => string | undefined;
}

/** A row: JSON in this order. */
interface OverrideRecord {
  readonly v: 1;
  readonly id: string;
  /** As it was given: `user:<username>` or `source:<ip address>`. */
  readonly subject: string;
  /** The budgets it holds for. */
  readonly budgets: readonly string[];
  /** How records name the target; empty for sources, which are personal. */
  readonly target: string;
  readonly bucket: string;
  readonly requests: number;
  readonly burst: number;
  /** Unix milliseconds. */
  readonly expiresAtMs: number;
}

const text = new TextEncoder();
const utf8 = new TextDecoder();

/** Makes overrides, with those of the store in force. */
export function createLimitOverrides(options: LimitOverridesOptions): LimitOverrides {
  const { store, tenant, commit, pageTokens, newId, nowMs, buckets, userIdOf } = options;
  const rowKey = (id: string): Uint8Array => pack([tenant, kinds.limitOverride, id]);
  const rows = rangeOf([tenant, kinds.limitOverride]);
  const readAll = (reader: Reader): OverrideRecord[] => [...reader.range(rows)].map(({ value }) => JSON.parse(utf8.decode(value)) as OverrideRecord);
  const isInForce = ({ expiresAtMs }: OverrideRecord): boolean => nowMs() < expiresAtMs;

  let inForce = index(readAll(store));
  const unsubscribe = store.subscribe((keys) => {
    if (keys.some((key) => Buffer.compare(key, rows.gte) >= 0 && Buffer.compare(key, rows.lt) < 0)) inForce = index(readAll(store));
  });

  /** Which budgets a subject names. Throws USER_NOT_FOUND, FIELD_INVALID. */
  function resolve(subject: string): Pick<OverrideRecord, "budgets" | "target"> {
    const [, kind, name = ""] = /^(user|source):(.+)$/s.exec(subject) ?? [];
    if (kind === "user") {
      const id = userIdOf(name);
      if (id === undefined) throw fail(Reason.USER_NOT_FOUND);
      return { budgets: [userSubject(id), accountSubject(tenant, name)], target: `users/${id}` };
    }
    if (kind === "source" && sourceOf(name) !== undefined) return { budgets: [sourceSubject(name)], target: "" };
    throw fieldInvalid("subject", "must be user:<username> or source:<ip address>", "limit_override.subject");
  }

  return {
    find(bucket, subject) {
      if (inForce.size === 0) return undefined;
      const record = inForce.get(`${bucket} ${subject}`);
      return record !== undefined && isInForce(record) ? record : undefined;
    },
    set({ subject, bucket: named, requests, burst, lifetime }, call) {
      requireWellFormed({ subject });
      const bucket = buckets.find(({ name }) => name === (named || "api"));
      if (bucket === undefined) throw fieldInvalid("bucket", "is not the name of a bucket", "limit_override.bucket");
      const resolved = resolve(subject);
      const lifetimeMs = Number(lifetime?.seconds ?? 0n) * 1_000 + (lifetime?.nanos ?? 0) / 1e6;
      const fresh = newId("lim");
      const expiresAtMs = Math.ceil(nowMs() + lifetimeMs);
      return commit(call, (tx) => {
        const all = readAll(tx);
        for (const gone of all.filter((record) => !isInForce(record))) tx.remove(rowKey(gone.id));
        const before = all.find((record) => isInForce(record) && record.bucket === bucket.name && record.budgets[0] === resolved.budgets[0]);
        const record: OverrideRecord = {
          v: 1,
          id: before?.id ?? fresh,
          subject,
          ...resolved,
          bucket: bucket.name,
          requests,
          burst: bucket.algorithm === Algorithm.STRICT_WINDOW ? 0 : burst,
          expiresAtMs,
        };
        tx.put(rowKey(record.id), text.encode(JSON.stringify(record)));
        note(call, record, before, record);
        return create(SetLimitOverrideResponseSchema, { override: messageOf(record) });
      });
    },
    list({ pageSize, pageToken }, call) {
      const scope = JSON.stringify([tenant, call.principal?.id ?? ""]);
      const from = pageToken === "" ? "" : utf8.decode(pageTokens.open("limit-overrides", scope, pageToken));
      const size = pageSize || authPageSizeDefault;
      const found = readAll(store).filter((record) => isInForce(record) && record.id >= from);
      const next = found[size]?.id;
      return create(ListLimitOverridesResponseSchema, {
        overrides: found.slice(0, size).map(messageOf),
        nextPageToken: next === undefined ? "" : pageTokens.seal("limit-overrides", scope, text.encode(next)),
      });
    },
    delete({ id }, call) {
      return commit(call, (tx) => {
        const before = readAll(tx).find((record) => record.id === id && isInForce(record));
        if (before === undefined) throw fail(Reason.LIMIT_OVERRIDE_NOT_FOUND);
        tx.remove(rowKey(id));
        note(call, before, before, undefined);
        return create(DeleteLimitOverrideResponseSchema, { status: "deleted" });
      });
    },
    reload() {
      inForce = index(readAll(store));
    },
    close: unsubscribe,
  };
}

function index(records: readonly OverrideRecord[]): ReadonlyMap<string, OverrideRecord> {
  return new Map(records.flatMap((record) => record.budgets.map((budget) => [`${record.bucket} ${budget}`, record])));
}

function note(call: Call, { id, target, bucket }: OverrideRecord, before: OverrideRecord | undefined, after: OverrideRecord | undefined): void {
  call.audit.resource = `limits/overrides/${id}`;
  if (target !== "") call.audit.notes.push({ name: "target", value: target });
  call.audit.notes.push({ name: "bucket", value: bucket }, { name: "limit_before", value: describe(before) }, { name: "limit_after", value: describe(after) });
}

function describe(numbers: (OverrideNumbers & { readonly expiresAtMs: number }) | undefined): string {
  return numbers === undefined ? "none" : `${numbers.requests}+${numbers.burst} until ${new Date(numbers.expiresAtMs).toISOString()}`;
}

function messageOf({ id, subject, bucket, requests, burst, expiresAtMs }: OverrideRecord): LimitOverride {
  const seconds = Math.floor(expiresAtMs / 1_000);
  return create(LimitOverrideSchema, { id, subject, bucket, requests, burst, expiresAt: { seconds: BigInt(seconds), nanos: (expiresAtMs - seconds * 1_000) * 1e6 } });
}
