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

/** Work that goes on beside the calls. */
export interface Upkeep {
  /** What the first start of the store did. */
  readonly bootstrapped: Bootstrapped;
  /** Ends it. */
  stop(): void;
}

/** Makes the admin of a new store, then sweeps until it is stopped. Throws what `bootstrap` throws. */
export async function startUpkeep({ store, sink, identity, passwordFile }: Foundation, config: Config, log: Log): Promise<Upkeep> {
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
  return { bootstrapped, stop: () => clearInterval(sweeper) };
}
