/** Who is who at this moment: users and API keys from memory, never older than the last commit. */
import type { Principal } from "../call.js";
import { apiKeyUseGrainMs, verdictCacheEntries } from "../limits.js";
import { isServerAdmin } from "../policy/grants.js";
import { kinds, pack, unpackBytes } from "../store/keys.js";
import type { Store } from "../store/store.js";
import type { Accounts, UserRecord } from "./accounts.js";
import type { ApiKeyRecord, ApiKeys } from "./api-key-rows.js";
import { createBoundedMap } from "./bounded-map.js";

/** A user with what it may do. The same object is returned until either changes. */
export interface Account {
  readonly user: UserRecord;
  /** With all of the user's grants, not narrowed by any credential. */
  readonly principal: Principal;
}

/** Looks up users and keys on every call. */
export interface Directory {
  /** A user, disabled ones too; undefined if there is none. */
  account(userId: string): Account | undefined;
  accountByName(name: string): Account | undefined;
  apiKey(id: string): ApiKeyRecord | undefined;
  /** Notes that a key was used, in memory; the first use in a while stores what is noted, behind the back of the call. */
  noteUse(keyId: string): void;
  /** When a key was last used, in Unix seconds to the minute, uses not yet stored included; 0: not yet. */
  lastUsedAt(key: ApiKeyRecord): number;
  /** Stores the uses noted since the last time, in one transaction. `noteUse` does so at most once a minute; at the end it keeps the last ones. */
  saveUse(): Promise<void>;
  /** Forgets what it read: another process changed some of it. Uses that are not stored yet stay. */
  forgetAll(): void;
  /** Ends its subscription to the store. */
  close(): void;
}

/** What a directory needs. */
export interface DirectoryOptions {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly apiKeys: ApiKeys;
  /** Wall clock, in Unix milliseconds. */
  readonly nowMs: () => number;
  /** Entries of each cache. Default: `limits.verdictCacheEntries`. */
  readonly entriesMax?: number;
}

/**
 * Makes a directory. Its caches are true by this order: an entry is read and kept within one turn of the event loop, and the
 * store tells of a commit before the promise of that commit resolves; so what the answer to a change promises holds for the
 * very next call (AN-21).
 */
export function createDirectory({ store, accounts, apiKeys, nowMs, entriesMax = verdictCacheEntries }: DirectoryOptions): Directory {
  const byUser = createBoundedMap<string, Account>(entriesMax);
  const byKey = createBoundedMap<string, ApiKeyRecord>(entriesMax);
  /** Minutes of last use that are not stored yet, in Unix seconds. */
  let unsaved = new Map<string, number>();
  let savedAtMs = nowMs();

  const forget: Readonly<Record<number, (id: string) => void>> = {
    [kinds.user]: (id) => byUser.delete(id),
    [kinds.grant]: (id) => byUser.delete(id),
    [kinds.apiKey]: (id) => byKey.delete(id),
  };
  const tenantBytes = pack([accounts.tenant]);
  const unsubscribe = store.subscribe((keys) => {
    for (const key of keys) {
      const kindEnd = tenantBytes.length + 8;
      // Kinds are small numbers, eight bytes big endian: the last byte says which.
      const forgetKind = forget[key[kindEnd - 1]!];
      if (forgetKind !== undefined && startsWith(key, tenantBytes)) forgetKind(Buffer.from(unpackBytes(key, kindEnd).value).toString());
    }
  });

  const directory: Directory = {
    account(userId) {
      const known = byUser.get(userId);
      if (known !== undefined) return known;
      const user = accounts.user(store, userId);
      if (user === undefined) return undefined;
      const grants = accounts.grantsOf(store, userId);
      const principal: Principal = { id: user.id, name: user.name, tenant: accounts.tenant, admin: isServerAdmin(grants), grants };
      return byUser.set(userId, { user, principal });
    },
    accountByName(name) {
      const user = accounts.userByName(store, name);
      return user && directory.account(user.id);
    },
    apiKey(id) {
      const known = byKey.get(id);
      if (known !== undefined) return known;
      const key = apiKeys.apiKey(store, id);
      return key && byKey.set(id, key);
    },
    noteUse(keyId) {
      const now = nowMs();
      unsaved.set(keyId, Math.floor(now / apiKeyUseGrainMs) * (apiKeyUseGrainMs / 1_000));
      if (now - savedAtMs < apiKeyUseGrainMs) return;
      savedAtMs = now;
      // A store that does not take the write shows itself elsewhere; what is lost here is a time of use.
      directory.saveUse().catch(() => undefined);
    },
    lastUsedAt(key) {
      return Math.max(key.lastUsedAt, unsaved.get(key.id) ?? 0);
    },
    async saveUse() {
      const saving = unsaved;
      if (saving.size === 0) return;
      unsaved = new Map();
      await store.transact((tx) => {
        for (const [id, lastUsedAt] of saving) {
          const key = apiKeys.apiKey(tx, id);
          if (key !== undefined && key.lastUsedAt < lastUsedAt) apiKeys.putApiKey(tx, { ...key, lastUsedAt });
        }
      });
    },
    forgetAll() {
      byUser.clear();
      byKey.clear();
    },
    close: unsubscribe,
  };
  return directory;
}

function startsWith(key: Uint8Array, prefix: Uint8Array): boolean {
  return key.length >= prefix.length + 8 && prefix.every((byte, index) => key[index] === byte);
}
