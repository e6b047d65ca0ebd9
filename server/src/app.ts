/** The composition root of the reference server: from a configuration to a server that is ready to listen. */
import { randomFillSync } from "node:crypto";
import { openapiJson, openapiYaml } from "@parapet/contract/openapi/document";
import { AuditService } from "@parapet/contract/parapet/audit/v1/audit_service_pb";
import { AuthService } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { Algorithm } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { SystemService } from "@parapet/contract/parapet/system/v1/system_service_pb";
import { routes } from "@parapet/contract/rest/routes";
import { CredentialKind } from "./call.js";
import { productionChecklist, type Config } from "./config.js";
import { docsPage } from "./docs-page/docs-page.js";
import { createUuids } from "./documents/uuid.js";
import type { ListenOptions } from "./edge/bind.js";
import { defaultTenant, directoryOf, layFoundation, type WorkerPart } from "./foundation.js";
import { createCommit } from "./gate/commit.js";
import { createIdempotency } from "./gate/idempotency.js";
import { forgetGeneratedPassword, type Bootstrapped } from "./identity/bootstrap.js";
import type { Authenticated } from "./identity/identity-source.js";
import type { BucketNumbers } from "./limit/limiter.js";
import { createMemoryLimiter } from "./limit/memory-limiter.js";
import { createLimitOverrides } from "./limit/overrides.js";
import { openSharedLimiter } from "./limit/shared-limiter.js";
import type { Log } from "./log.js";
import { createMetrics } from "./metrics.js";
import { createParapet, type Parapet, type ServiceRegistrar } from "./parapet.js";
import { ADMIN, everyCollection } from "./policy/rights.js";
import type { StaticDocument } from "./protocols/documents.js";
import { createAuditService } from "./services/audit-service.js";
import { createAuthService } from "./services/auth-service.js";
import { createDocumentService } from "./services/document-service.js";
import { createSystemService } from "./services/system-service.js";
import { kinds, pack } from "./store/keys.js";
import { createPageTokens } from "./store/page-token.js";
import type { Store } from "./store/store.js";
import { startUpkeep } from "./upkeep.js";

/** What an app is made of besides its configuration. */
export interface AppOptions {
  readonly config: Config;
  readonly log: Log;
  /** Replaces the store that the configuration names; for tests that inject faults. */
  readonly store?: Store;
  /** Which executor runs unary calls; default `fast`. */
  readonly unary?: "fast" | "connect-es";
  /** This process is one of several over one store; absent: it is the only one. */
  readonly worker?: WorkerPart;
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

/** Composes the server. Rejects if the contract, a key file, the data directory or the bootstrap password is not as it must be. */
export async function createApp({ config, log, store: given, unary, worker }: AppOptions): Promise<App> {
  const nowMs = Date.now;
  const foundation = await layFoundation({ config, log, ...(given === undefined ? {} : { store: given }), ...(worker === undefined ? {} : { worker }) });
  const { store, shared, audit, sink, identity, passwordFile, key, room, embedded } = foundation;

  try {
    const idempotency = createIdempotency(store, nowMs);
    const { commit, commitPart } = createCommit({ store, audit: sink, idempotency, room });
    const pageTokens = createPageTokens(key("page-token.key"));
    const upkeep = worker === undefined ? await startUpkeep(foundation, config, log) : undefined;

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
    shared?.onChange(() => overrides.reload());
    const sharedLimiter =
      worker !== undefined && config.rateLimitEnabled
        ? openSharedLimiter({ directory: directoryOf("limits", config), nowMs: hostMs, buckets: Object.values(buckets), overrides, onMapped: await worker.admission("limits") })
        : undefined;
    const monotonicMs = (): number => performance.now();
    const metrics = createMetrics(monotonicMs);
    metrics.gauge("parapet_audit_records", "Records in the audit log.", () => audit.head(defaultTenant).edge.size);
    metrics.gauge("parapet_audit_records_lost", "Records that could not be written while their call succeeded; always 0.", () => 0);
    if (embedded !== undefined) {
      metrics.gauge("parapet_store_used_bytes", "Bytes that the store takes, freed pages excepted.", () => embedded.usedBytes());
      metrics.gauge("parapet_store_max_bytes", "Bytes that the store may take (PARAPET_STORE_BYTES_MAX).", () => config.storeBytesMax);
      metrics.gauge("parapet_store_room_bytes", "Bytes that can still be written, to the store and to its disk, the reserved ones among them.", () => embedded.roomBytes());
      metrics.gauge("parapet_store_reserved_bytes", "Bytes of that room below which changes that grow the store are refused (PARAPET_STORE_BYTES_RESERVED).", () => config.storeBytesReserved);
    }
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
          full: () => room?.isFull() ?? false,
          draining: () => draining(),
          controls: () => productionChecklist(config),
          production: config.production,
          authentication: config.authEnabled,
          buckets: config.rateLimitEnabled ? Object.values(buckets) : [],
          limitBy: config.rateLimitBy,
          messageBytesMax: config.messageBytesMax,
          features: featuresOf(config),
          metricsText: worker?.collectMetrics ?? metrics.text,
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
      limiter: config.rateLimitEnabled ? (sharedLimiter ?? createMemoryLimiter({ nowMs: monotonicMs, overrides })) : null,
      limitBy: config.rateLimitBy,
      everybody: config.authEnabled ? undefined : localAdmin,
      idempotency,
      pseudonymKey: key("pseudonym.key"),
      documents: publishedDocuments(config),
      corsOrigins: config.corsOrigins,
      trustedProxies: config.trustedProxies.map(({ address, prefix }) => `${address}/${prefix}`),
      tenant: defaultTenant,
      messageBytesMax: config.messageBytesMax,
      reflection: config.production ? "authenticated" : "public",
      metrics,
      log,
      ...(shared === undefined ? {} : { catchUp: shared.catchUp }),
      ...(unary === undefined ? {} : { unary }),
    });
    draining = () => parapet.draining.aborted;

    return {
      parapet,
      store,
      bootstrapped: upkeep?.bootstrapped ?? { created: false },
      listen: () => parapet.listen(listenOptionsOf(config)),
      async close() {
        upkeep?.stop();
        await parapet.close(config.drainTimeoutMs);
        overrides.close();
        await sharedLimiter?.close();
        await foundation.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** CLOCK_MONOTONIC, which is one clock for all processes of a host, in milliseconds. */
function hostMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Where the configuration says to listen. */
export function listenOptionsOf({ address, socket }: Config): ListenOptions {
  return { hosts: address.hosts, port: address.port, ...(socket === undefined ? {} : { socket }) };
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

function publishedDocuments({ docsEnabled }: Config): Map<string, StaticDocument> {
  return new Map<string, StaticDocument>([
    ["/openapi.yaml", { contentType: "application/yaml; charset=utf-8", body: Buffer.from(openapiYaml) }],
    ["/openapi.json", { contentType: "application/json", body: Buffer.from(openapiJson) }],
    ...(docsEnabled ? docsPage("Parapet") : []),
  ]);
}

/** Writes a row of its own, as a change would. */
async function probe(store: Store): Promise<void> {
  const row = pack([defaultTenant, kinds.probe]);
  await store.transact((tx) => tx.put(row, new Uint8Array(1)));
}
