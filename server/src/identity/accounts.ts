/** Users and their grants, as rows of the store. */
import { fail, Reason } from "../errors.js";
import { isServerAdmin } from "../policy/grants.js";
import { ADMIN, everyCollection, type Grants } from "../policy/rights.js";
import { after, kinds, pack, rangeOf, unpackBytes } from "../store/keys.js";
import type { Reader, Transaction } from "../store/store.js";
import { isWellFormed } from "../unicode.js";

/** A user as it is stored. */
export interface UserRecord {
  /** Opaque: `usr_…`. */
  readonly id: string;
  readonly name: string;
  /** A PHC string; empty: no password opens this account. */
  readonly passwordHash: string;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly disabled: boolean;
  /** Tokens of an earlier generation are void; it grows with every password and when the user is disabled. */
  readonly tokenGeneration: number;
  /** The one token that outlived the last change of generation: the one that asked for it. Empty: none. */
  readonly keptTokenId: string;
}

/** A page of rows. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Where the next page starts; undefined on the last. */
  readonly next: Uint8Array | undefined;
}

/**
 * The users of one tenant. Methods that read take any reader, so that they see the writes of a running transaction.
 *
 * Rows, tenant first: user id → user (JSON in the order of `UserRecord`, so that equal users are equal bytes); name → user
 * id; user id and collection → one byte of rights. A server admin is found by a grant row of the empty user id besides, which
 * no user has, so that the last one can be told without a look at all others.
 */
export interface Accounts {
  readonly tenant: string;
  user(reader: Reader, id: string): UserRecord | undefined;
  userByName(reader: Reader, name: string): UserRecord | undefined;
  /** True if the tenant has any user. */
  hasUsers(reader: Reader): boolean;
  /** Users in the order of their names, from a position that an earlier page gave. */
  listUsers(reader: Reader, limit: number, from: Uint8Array | undefined): Page<UserRecord>;
  /** Creates or replaces a user; its name must not change. */
  putUser(tx: Transaction, user: UserRecord): void;
  /** Removes a user with its grants. */
  removeUser(tx: Transaction, user: UserRecord): void;
  grantsOf(reader: Reader, userId: string): Grants;
  /** Sets the rights on one collection or `*`; 0 removes the grant. */
  setGrant(tx: Transaction, userId: string, collection: string, bits: number): void;
  /** True if a server admin other than this user is there and may call. */
  hasOtherAdmin(reader: Reader, userId: string): boolean;
}

const utf8 = new TextDecoder();
const text = new TextEncoder();
/** Stands where a row's key says everything. */
const present = Uint8Array.of(1);

/** The users of one tenant. */
export function createAccounts(tenant: string): Accounts {
  const userKey = (id: string): Uint8Array => pack([tenant, kinds.user, id]);
  const nameKey = (name: string): Uint8Array => pack([tenant, kinds.userByName, name]);
  const grantKey = (userId: string, collection: string): Uint8Array => pack([tenant, kinds.grant, userId, collection]);
  const names = rangeOf([tenant, kinds.userByName]);

  const accounts: Accounts = {
    tenant,
    user(reader, id) {
      const row = reader.get(userKey(id));
      return row && decodeUser(row);
    },
    userByName(reader, name) {
      // A lone surrogate would be read as the name that holds its replacement.
      const id = isWellFormed(name) ? reader.get(nameKey(name)) : undefined;
      return id && accounts.user(reader, utf8.decode(id));
    },
    hasUsers(reader) {
      return firstOf(reader.keys({ ...names, limit: 1 })) !== undefined;
    },
    listUsers(reader, limit, from) {
      const found = [...reader.range({ gte: from ?? names.gte, lt: names.lt, limit: limit + 1 })];
      return {
        rows: found.slice(0, limit).map(({ value }) => accounts.user(reader, utf8.decode(value)) ?? corrupt()),
        next: found[limit]?.key,
      };
    },
    putUser(tx, user) {
      tx.put(userKey(user.id), encodeUser(user));
      tx.put(nameKey(user.name), text.encode(user.id));
    },
    removeUser(tx, user) {
      for (const collection of accounts.grantsOf(tx, user.id).keys()) accounts.setGrant(tx, user.id, collection, 0);
      tx.remove(userKey(user.id));
      tx.remove(nameKey(user.name));
    },
    grantsOf(reader, userId) {
      const prefix = pack([tenant, kinds.grant, userId]);
      const grants = new Map<string, number>();
      for (const { key, value } of reader.range({ gte: prefix, lt: after(prefix) })) {
        grants.set(utf8.decode(unpackBytes(key, prefix.length).value), value[0] ?? 0);
      }
      return grants;
    },
    setGrant(tx, userId, collection, bits) {
      if (bits === 0) tx.remove(grantKey(userId, collection));
      else tx.put(grantKey(userId, collection), Uint8Array.of(bits));
      if (collection !== everyCollection) return;
      if (bits & ADMIN) tx.put(grantKey("", userId), present);
      else tx.remove(grantKey("", userId));
    },
    hasOtherAdmin(reader, userId) {
      const prefix = pack([tenant, kinds.grant, ""]);
      for (const key of reader.keys({ gte: prefix, lt: after(prefix) })) {
        const id = utf8.decode(unpackBytes(key, prefix.length).value);
        const user = id === userId ? undefined : accounts.user(reader, id);
        if (user !== undefined && !user.disabled && isServerAdmin(accounts.grantsOf(reader, id))) return true;
      }
      return false;
    },
  };
  return accounts;
}

function encodeUser({ id, name, passwordHash, createdAt, disabled, tokenGeneration, keptTokenId }: UserRecord): Uint8Array {
  return text.encode(JSON.stringify({ v: 1, id, name, passwordHash, createdAt, disabled, tokenGeneration, keptTokenId }));
}

function decodeUser(row: Uint8Array): UserRecord {
  const { v, ...user } = parseRow(row) as { v: number } & UserRecord;
  return v === 1 ? user : corrupt();
}

/** A row of JSON. Throws STORED_DATA_CORRUPT. */
export function parseRow(row: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(row));
  } catch (cause) {
    throw fail(Reason.STORED_DATA_CORRUPT, {}, { cause });
  }
}

/** Throws STORED_DATA_CORRUPT. */
export function corrupt(): never {
  throw fail(Reason.STORED_DATA_CORRUPT);
}

function firstOf<T>(items: Iterable<T>): T | undefined {
  for (const item of items) return item;
  return undefined;
}
