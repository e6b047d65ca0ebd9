/** What every process of the reference server stands on: store, key files, audit log, identity. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { createNanosecondClock } from "./audit/clock.js";
import { type AuditLog, createAuditLog } from "./audit/log.js";
import { createSealer, isWrappedUnder } from "./audit/seal.js";
import type { AuditFacts, TransactionalAuditSink } from "./audit/sink.js";
import type { Config } from "./config.js";
import { createIdentity, type Identity } from "./identity/identity.js";
import type { Log } from "./log.js";
import { loadOrCreateKeyFile } from "./store/key-file.js";
import { kinds } from "./store/keys.js";
import { requireLayout } from "./store/layout.js";
import { type LmdbStore, openLmdbStore } from "./store/lmdb.js";
import { createMemoryStore } from "./store/memory.js";
import { createRoom, type Room } from "./store/room.js";
import { type SharedStore, shareStore } from "./store/shared.js";
import type { Store } from "./store/store.js";

/** The one tenant of this release; every key and record carries it. */
export const defaultTenant = "default";

/** What a foundation is made of. */
export interface FoundationOptions {
  readonly config: Config;
  readonly log: Log;
  /** Replaces the store that the configuration names; for tests that inject faults. */
  readonly store?: Store;
  /** Where this process is the worker of another. */
  readonly worker?: WorkerPart;
}

/** What a worker process gets from the process that owns the data directory. */
export interface WorkerPart {
  /** Pid of that process. */
  readonly owner: number;
  /** Resolves when this process may open the environment in that place; to be told when it is mapped (`store/admission.ts`). */
  admission(place: SharedPlace): Promise<() => void>;
  /** What `/metrics` answers: the numbers of all workers. */
  collectMetrics(): Promise<string>;
}

/** The environments that processes share. */
export type SharedPlace = "store" | "limits";

/** The directory of a shared environment; the limits' lies in the data directory, and is owned with it. */
export function directoryOf(place: SharedPlace, { dataDir }: Config): string {
  return place === "store" ? resolve(dataDir) : resolve(dataDir, "limits");
}

/** The parts that everything else is built from. */
export interface Foundation {
  readonly store: Store;
  /** The same store where several processes have it open. */
  readonly shared: SharedStore | undefined;
  readonly audit: AuditLog;
  /** The log, or nothing at all where records are switched off. */
  readonly sink: TransactionalAuditSink;
  readonly identity: Identity;
  /** Where a generated password waits for the first admin. */
  readonly passwordFile: string;
  /** The key in a file of this name: 32 bytes, made if there is none; random each time where the store forgets as well. */
  key(name: string): Uint8Array;
  /** The store as the medium it is on; absent where it is none that processes can share. */
  readonly embedded: LmdbStore | undefined;
  /** What room there is for changes that grow the store; absent where it is in memory, or another's. */
  readonly room: Room | undefined;
  /** Keeps the last uses of API keys, then closes the store. */
  close(): Promise<void>;
}

/** Lays the foundation. Throws if a key file or the data directory is not as it must be. */
export async function layFoundation({ config, log, store: given, worker }: FoundationOptions): Promise<Foundation> {
  const random = (size: number): Uint8Array => randomBytes(size);
  const volatile = config.store === "memory";
  // A store that forgets must not leave keys behind that look as if they mattered.
  const key = (name: string): Uint8Array => (volatile ? randomBytes(32) : loadOrCreateKeyFile(join(config.keyDir, name)));
  const joining = worker === undefined ? {} : { ownedBy: worker.owner, onMapped: await worker.admission("store") };
  const embedded = given === undefined && !volatile ? openLmdbStore({ directory: config.dataDir, bytesMax: config.storeBytesMax, ...joining }) : undefined;
  const shared = embedded !== undefined && config.workers > 1 ? shareStore({ store: embedded, tenant: defaultTenant, watched: remembered }) : undefined;
  const store = given ?? shared ?? embedded ?? createMemoryStore();
  try {
    if (embedded !== undefined && worker === undefined) await requireLayout(embedded);
    const sealingKey = volatile || !config.auditEnabled ? key(sealingKeyName) : sealingKeyOf(store, config, () => key(sealingKeyName));
    const audit = createAuditLog({ store, sealer: createSealer({ masterKey: sealingKey }), nowNs: createNanosecondClock() });
    const identity = createIdentity({
      store,
      tenant: defaultTenant,
      nowMs: Date.now,
      randomBytes: random,
      tokenSecret: config.authJwtSecret === undefined ? key("token.key") : Buffer.from(config.authJwtSecret),
      tokenLifetimeMs: config.authJwtExpiryMs,
      passwordPolicy: config.production ? "strict" : config.authPasswordPolicy,
      onCommonPassword: () => log.warn("a password was accepted that is on the list of common ones; PARAPET_AUTH_PASSWORD_POLICY=strict refuses them"),
    });
    shared?.onChange(() => identity.directory.forgetAll());
    return {
      store,
      shared,
      audit,
      sink: config.auditEnabled ? audit : silentSink,
      identity,
      passwordFile: join(config.keyDir, "admin-password"),
      key,
      embedded,
      room: embedded && createRoom({ medium: embedded, reservedBytes: config.storeBytesReserved, nowMs: () => performance.now() }),
      async close() {
        await identity.directory.saveUse();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

const sealingKeyName = "sealing.key";

/**
 * The master key of what is sealed. Throws an Error where the store was sealed under another: without its own not one audited
 * call could be served. One that is not there is not made anew then, or its directory would look as if all were well.
 */
function sealingKeyOf(store: Store, { dataDir, keyDir }: Config, loadOrCreate: () => Uint8Array): Uint8Array {
  const file = join(keyDir, sealingKeyName);
  const isOurs = (key: Uint8Array | undefined): boolean => isWrappedUnder(store, defaultTenant, key);
  const key = existsSync(file) || isOurs(undefined) ? loadOrCreate() : undefined;
  if (key !== undefined && isOurs(key)) return key;
  throw new Error(`the audit log of the store in ${dataDir} is sealed under another key than ${file}${key === undefined ? ", which is not there" : ""}: PARAPET_KEY_DIR must name the key directory that was made with it`);
}

/** Rows that processes keep in memory: the directory's, and the overrides of limits. */
const remembered: readonly number[] = [kinds.user, kinds.grant, kinds.apiKey, kinds.limitOverride];

/** The log is switched off by configuration; production mode refuses that. */
const silentSink: TransactionalAuditSink = {
  append(_tx, _facts: AuditFacts) {
    return undefined;
  },
  write: () => Promise.resolve(),
};
