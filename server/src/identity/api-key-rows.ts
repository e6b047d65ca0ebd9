/** API keys as rows of the store. */
import { kinds, pack, rangeOf } from "../store/keys.js";
import type { Reader, Transaction } from "../store/store.js";
import type { Grants } from "../policy/rights.js";
import { corrupt, type Page, parseRow } from "./accounts.js";
import { idOfApiKey } from "./api-keys.js";

/** An API key as it is stored: never its text. */
export interface ApiKeyRecord {
  /** Opaque: `key_…`, from the hash. */
  readonly id: string;
  /** SHA-256 of the text, in hex. */
  readonly sha256: string;
  readonly userId: string;
  readonly description: string;
  /** How its text begins. */
  readonly prefix: string;
  /** How its text ends; empty where only the hash was brought along. */
  readonly last4: string;
  /** Unix seconds. */
  readonly createdAt: number;
  /** Unix seconds; 0: never. */
  readonly expiresAt: number;
  /** Unix seconds, to the minute; 0: not yet. */
  readonly lastUsedAt: number;
  /** Narrows what the key may do; undefined: it may what its user may. */
  readonly scope: Grants | undefined;
}

/**
 * The API keys of one tenant. Rows, tenant first: key id → key (JSON in the order of `ApiKeyRecord`); user id, time of
 * creation and key id → key id, for a list from oldest to newest.
 */
export interface ApiKeys {
  apiKey(reader: Reader, id: string): ApiKeyRecord | undefined;
  /** Keys of a user, oldest first, from a position that an earlier page gave. */
  listApiKeys(reader: Reader, userId: string, limit: number, from: Uint8Array | undefined): Page<ApiKeyRecord>;
  /** True if a user has this many keys or more. */
  hasApiKeys(reader: Reader, userId: string, count: number): boolean;
  /** Creates or replaces a key; its user and time of creation must not change. */
  putApiKey(tx: Transaction, key: ApiKeyRecord): void;
  removeApiKey(tx: Transaction, key: ApiKeyRecord): void;
  /** Removes all keys of a user; returns how many there were. */
  removeApiKeysOf(tx: Transaction, userId: string): number;
}

const utf8 = new TextDecoder();
const text = new TextEncoder();
/** The API keys of one tenant. */
export function createApiKeys(tenant: string): ApiKeys {
  const keyOf = (id: string): Uint8Array => pack([tenant, kinds.apiKey, id]);
  const listKey = ({ userId, createdAt, id }: ApiKeyRecord): Uint8Array => pack([tenant, kinds.apiKeyByUser, userId, createdAt, id]);

  const apiKeys: ApiKeys = {
    apiKey(reader, id) {
      const row = reader.get(keyOf(id));
      return row && decode(row);
    },
    listApiKeys(reader, userId, limit, from) {
      const own = rangeOf([tenant, kinds.apiKeyByUser, userId]);
      const found = [...reader.range({ gte: from ?? own.gte, lt: own.lt, limit: limit + 1 })];
      return {
        rows: found.slice(0, limit).map(({ value }) => apiKeys.apiKey(reader, utf8.decode(value)) ?? corrupt()),
        next: found[limit]?.key,
      };
    },
    hasApiKeys(reader, userId, count) {
      return [...reader.range({ ...rangeOf([tenant, kinds.apiKeyByUser, userId]), limit: count })].length >= count;
    },
    putApiKey(tx, key) {
      tx.put(keyOf(key.id), encode(key));
      tx.put(listKey(key), text.encode(key.id));
    },
    removeApiKey(tx, key) {
      tx.remove(keyOf(key.id));
      tx.remove(listKey(key));
    },
    removeApiKeysOf(tx, userId) {
      const { rows } = apiKeys.listApiKeys(tx, userId, Number.MAX_SAFE_INTEGER - 1, undefined);
      for (const key of rows) apiKeys.removeApiKey(tx, key);
      return rows.length;
    },
  };
  return apiKeys;
}

/** What is known of a key that another system issued. */
export interface ImportedApiKey {
  /** SHA-256 of its whole text, in hex. */
  readonly sha256: string;
  readonly userId: string;
  readonly description: string;
  /** Unix seconds. */
  readonly createdAt: number;
  /** Unix seconds; 0: never. */
  readonly expiresAt: number;
}

/** The record of an `mddb_live_` key whose hash was brought along; put it with `putApiKey`. Throws a RangeError if the hash is none. */
export function importedApiKey({ sha256, userId, description, createdAt, expiresAt }: ImportedApiKey): ApiKeyRecord {
  const hex = sha256.toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hex)) throw new RangeError("an imported API key needs the SHA-256 of its text in hex");
  return { id: idOfApiKey(hex), sha256: hex, userId, description, prefix: "mddb_live_", last4: "", createdAt, expiresAt, lastUsedAt: 0, scope: undefined };
}

function encode({ id, sha256, userId, description, prefix, last4, createdAt, expiresAt, lastUsedAt, scope }: ApiKeyRecord): Uint8Array {
  const sorted = scope && [...scope].sort(([a], [b]) => (a < b ? -1 : 1));
  return text.encode(JSON.stringify({ v: 1, id, sha256, userId, description, prefix, last4, createdAt, expiresAt, lastUsedAt, scope: sorted ?? null }));
}

function decode(row: Uint8Array): ApiKeyRecord {
  const { v, scope, ...key } = parseRow(row) as { v: number; scope: [string, number][] | null } & Omit<ApiKeyRecord, "scope">;
  return v === 1 ? { ...key, scope: scope === null ? undefined : new Map(scope) } : corrupt();
}
