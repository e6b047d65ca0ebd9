/** The composition root of the reference server: from a configuration to a server that is ready to listen. */
import { randomBytes, randomFillSync } from "node:crypto";
import { join } from "node:path";
import { openapiJson, openapiYaml } from "@parapet/contract/openapi/document";
import { AuditService } from "@parapet/contract/parapet/audit/v1/audit_service_pb";
import { AuthService } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { SystemService } from "@parapet/contract/parapet/system/v1/system_service_pb";
import { routes } from "@parapet/contract/rest/routes";
import { createNanosecondClock } from "./audit/clock.js";
import { createAuditLog } from "./audit/log.js";
import { createSealer } from "./audit/seal.js";
import type { AuditFacts, TransactionalAuditSink } from "./audit/sink.js";
import { CredentialKind } from "./call.js";
import { productionChecklist, type Config } from "./config.js";
import { createCollectionKeys } from "./documents/collection-keys.js";
import { sweepExpired } from "./documents/expiry.js";
import { createUuids } from "./documents/uuid.js";
import { createCommit } from "./gate/commit.js";
import { createIdempotency } from "./gate/idempotency.js";
import { bootstrap, forgetGeneratedPassword, type Bootstrapped } from "./identity/bootstrap.js";
import { createIdentity } from "./identity/identity.js";
import type { Authenticated } from "./identity/identity-source.js";
import type { BucketNumbers } from "./limit/limiter.js";
import { createMemoryLimiter } from "./limit/memory-limiter.js";
import { createLimitOverrides } from "./limit/overrides.js";
import type { Log } from "./log.js";
import { createMetrics } from "./metrics.js";
import { createParapet, type Parapet, type ServiceRegistrar } from "./parapet.js";
import { ADMIN, everyCollection } from "./policy/rights.js";
import type { StaticDocument } from "./protocols/dispatch.js";
import { createAuditService } from "./services/audit-service.js";
import { createAuthService } from "./services/auth-service.js";
import { createDocumentService } from "./services/document-service.js";
import { createSystemService } from "./services/system-service.js";
import { loadOrCreateKeyFile } from "./store/key-file.js";
import { kinds, pack } from "./store/keys.js";
import { openLmdbStore } from "./store/lmdb.js";
import { createMemoryStore } from "./store/memory.js";
import { createPageTokens } from "./store/page-token.js";
import type { Store } from "./store/store.js";

/** The one tenant of this release; every key and record carries it. */
export const defaultTenant = "default";

/** What an app is made of besides its configuration. */
export interface AppOptions {
  readonly config: Config;
  readonly log: Log;
  /** Replaces the store that the configuration names; for tests that inject faults. */
  readonly store?: Store;
  /** Which executor runs unary calls; default `fast`. */
  readonly unary?: "fast" | "connect-es";
}

/** The reference server. */
export interface App {
  readonly parapet: Parapet;
  readonly store: Store;
  /** What the first start of the store did. */
  readonly bootstrapped: Bootstrapped;
  /** Starts to listen where the configuration says; resolves with the port. */
  listen(): Promise<number>;
  /** Drains, then closes the store. */
  close(): Promise<void>;
}

/** How often documents that have ended are removed, in milliseconds, and how many at once. */
const sweepIntervalMs = 10_000;
const sweepDocuments = 1_000;

/** Composes the server. Rejects if the contract, a key file, the data directory or the bootstrap password is not as it must be. */
export async function createApp({ config, log, store: given, unary }: AppOptions): Promise<App> {
  const nowMs = Date.now;
  const random = (size: number): Uint8Array => randomBytes(size);
  const volatile = config.store === "memory";
  // A store that forgets must not leave keys behind that look as if they mattered.
  const key = (name: string): Uint8Array => (volatile ? randomBytes(32) : loadOrCreateKeyFile(join(config.keyDir, name)));
  const store = given ?? (volatile ? createMemoryStore() : openLmdbStore({ directory: config.dataDir }));

  try {
    const audit = createAuditLog({ store, sealer: createSealer({ masterKey: key("sealing.key") }), nowNs: createNanosecondClock() });
    const sink: TransactionalAuditSink = config.auditEnabled ? audit : silentSink;
    const idempotency = createIdempotency(store, nowMs);
    const { commit, commitPart } = createCommit({ store, audit: sink, idempotency });
    const pageTokens = createPageTokens(key("page-token.key"));
    const identity = createIdentity({
      store,
      tenant: defaultTenant,
      nowMs,
      randomBytes: random,
      tokenSecret: config.authJwtSecret === undefined ? key("token.key") : Buffer.from(config.authJwtSecret),
      tokenLifetimeMs: config.authJwtExpiryMs,
      passwordPolicy: config.production ? "strict" : config.authPasswordPolicy,
      onCommonPassword: () => log.warn("a password was accepted that is on the list of common ones; PARAPET_AUTH_PASSWORD_POLICY=strict refuses them"),
    });
    const passwordFile = join(config.keyDir, "admin-password");
    const bootstrapped = await bootstrap({
      store,
      accounts: identity.accounts,
      audit: sink,
      passwords: identity.passwords,
      newId: identity.newId,
      randomBytes: random,
      nowMs,
      username: config.authAdminUsername,
      password: config.authAdminPassword,
      passwordFile,
    });

    const buckets = bucketsOf(config);
    const overrides = createLimitOverrides({
      store,
      tenant: defaultTenant,
      commit,
      pageTokens,
      newId: identity.newId,
      nowMs,
      buckets: Object.values(buckets),
      userIdOf: (username) => identity.accounts.userByName(store, username)?.id,
    });
    const monotonicMs = (): number => performance.now();
    const metrics = createMetrics(monotonicMs);
    metrics.gauge("parapet_audit_records", "Records in the audit log.", () => audit.head(defaultTenant).edge.size);
    metrics.gauge("parapet_audit_records_lost", "Records that could not be written while their call succeeded; always 0.", () => 0);
    const newDocumentId = createUuids({ nowMs, fillRandom: (bytes) => void randomFillSync(bytes) });

    let draining = (): boolean => false;
    const services = (router: ServiceRegistrar): void => {
      router.service(
        AuthService,
        createAuthService({ identity, commit, pageTokens, onPasswordChanged: forgetGeneratedPassword(passwordFile, config.authAdminUsername) }),
      );
      router.service(DocumentService, createDocumentService({ store, commit, commitPart, nowMs, newId: newDocumentId, pageTokens }));
      router.service(AuditService, createAuditService({ log: audit, pageTokens }));
      router.service(
        SystemService,
        createSystemService({
          probe: () => probe(store),
          draining: () => draining(),
          controls: () => productionChecklist(config),
          production: config.production,
          authentication: config.authEnabled,
          buckets: config.rateLimitEnabled ? Object.values(buckets) : [],
          limitBy: config.rateLimitBy,
          messageBytesMax: config.messageBytesMax,
          features: featuresOf(config),
          metrics,
          metricsPublic: config.metricsPublic,
          overrides,
        }),
      );
    };
    const parapet = createParapet({
      services,
      rest: routes,
      identity: identity.source,
      audit: sink,
      buckets,
      limiter: config.rateLimitEnabled ? createMemoryLimiter({ nowMs: monotonicMs, overrides }) : null,
      limitBy: config.rateLimitBy,
      everybody: config.authEnabled ? undefined : localAdmin,
      idempotency,
      pseudonymKey: key("pseudonym.key"),
      documents: publishedDocuments(),
      corsOrigins: config.corsOrigins,
      trustedProxies: config.trustedProxies.map(({ address, prefix }) => `${address}/${prefix}`),
      tenant: defaultTenant,
      messageBytesMax: config.messageBytesMax,
      reflection: config.production ? "authenticated" : "public",
      metrics,
      log,
      ...(unary === undefined ? {} : { unary }),
    });
    draining = () => parapet.draining.aborted;
    const keysOf = createCollectionKeys();
    const sweeper = setInterval(() => {
      sweepExpired({ store, tenant: defaultTenant, keysOf, append: sink.append, nowMs: nowMs(), limit: sweepDocuments }).catch((cause: unknown) => log.error("documents that have ended were not removed", { cause }));
    }, sweepIntervalMs);
    sweeper.unref();

    return {
      parapet,
      store,
      bootstrapped,
      listen: () => parapet.listen({ hosts: config.address.hosts, port: config.address.port, ...(config.socket === undefined ? {} : { socket: config.socket }) }),
      async close() {
        clearInterval(sweeper);
        await parapet.close(config.drainTimeoutMs);
        overrides.close();
        await identity.directory.saveUse();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** The buckets of the contract with the configured numbers. */
function bucketsOf(config: Config): Record<string, BucketNumbers> {
  return {
    api: { name: "api", algorithm: Algorithm.TOKEN_BUCKET, requests: config.rateLimitRequests, burst: config.rateLimitBurst, windowMs: config.rateLimitWindowMs },
    login: { name: "login", algorithm: Algorithm.STRICT_WINDOW, requests: config.loginLimitRequests, burst: 0, windowMs: config.loginLimitWindowMs },
  };
}

/** What the conformance suite may hold this deployment to. */
function featuresOf(config: Config): string[] {
  return [
    ...(config.authEnabled ? ["authentication", "api-keys", "grants"] : []),
    ...(config.rateLimitEnabled ? ["rate-limits", "limit-overrides"] : []),
    ...(config.auditEnabled ? ["audit"] : []),
    "documents",
    "idempotency-keys",
    "reflection",
  ];
}

/** Whoever calls while authentication is off. */
const localAdmin: Authenticated = {
  principal: { id: "usr_local", name: "local", tenant: defaultTenant, admin: true, grants: new Map([[everyCollection, ADMIN]]) },
  credential: { kind: CredentialKind.NONE, id: "" },
};

/** The log is switched off by configuration; production mode refuses that. */
const silentSink: TransactionalAuditSink = {
  append(_tx, _facts: AuditFacts) {
    return undefined;
  },
  write: () => Promise.resolve(),
};

function publishedDocuments(): Map<string, StaticDocument> {
  return new Map([
    ["/openapi.yaml", { contentType: "application/yaml; charset=utf-8", body: Buffer.from(openapiYaml) }],
    ["/openapi.json", { contentType: "application/json", body: Buffer.from(openapiJson) }],
  ]);
}

/** Writes a row of its own, as a change would. */
async function probe(store: Store): Promise<void> {
  const row = pack([defaultTenant, kinds.probe]);
  await store.transact((tx) => tx.put(row, new Uint8Array(1)));
}
