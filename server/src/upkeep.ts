/** What exactly one process of a deployment does for its store: the first start, and the removal of what has ended. */
import { randomBytes } from "node:crypto";
import type { Config } from "./config.js";
import { createCollectionKeys } from "./documents/collection-keys.js";
import { sweepExpired } from "./documents/expiry.js";
import { defaultTenant, type Foundation } from "./foundation.js";
import { bootstrap, type Bootstrapped } from "./identity/bootstrap.js";
import type { Log } from "./log.js";

/** How often documents that have ended are removed, in milliseconds, and how many at once. */
const sweepIntervalMs = 10_000;
const sweepDocuments = 1_000;

/** How often it is looked whether the store is full, in milliseconds. */
const roomWatchMs = 1_000;

/** Work that goes on beside the calls. */
export interface Upkeep {
  /** What the first start of the store did. */
  readonly bootstrapped: Bootstrapped;
  /** Ends it. */
  stop(): void;
}

/** Makes the admin of a new store, then sweeps until it is stopped. Throws what `bootstrap` throws. */
export async function startUpkeep({ store, sink, identity, passwordFile, room }: Foundation, config: Config, log: Log): Promise<Upkeep> {
  const bootstrapped = await bootstrap({
    store,
    accounts: identity.accounts,
    audit: sink,
    passwords: identity.passwords,
    newId: identity.newId,
    randomBytes: (size) => randomBytes(size),
    nowMs: Date.now,
    username: config.authAdminUsername,
    password: config.authAdminPassword,
    passwordFile,
  });
  const keysOf = createCollectionKeys();
  const sweeper = setInterval(() => {
    sweepExpired({ store, tenant: defaultTenant, keysOf, append: sink.append, nowMs: Date.now(), limit: sweepDocuments }).catch((cause: unknown) => log.error("documents that have ended were not removed", { cause }));
  }, sweepIntervalMs);
  sweeper.unref();
  let full = false;
  const watch = setInterval(() => {
    if (room === undefined || room.isFull() === full) return;
    full = !full;
    if (full) log.warn("the store is full: it takes no change that grows it; PARAPET_STORE_BYTES_MAX and the disk under PARAPET_DATA_DIR bound it");
    else log.info("the store has room again");
  }, roomWatchMs);
  watch.unref();
  return {
    bootstrapped,
    stop() {
      clearInterval(sweeper);
      clearInterval(watch);
    },
  };
}
