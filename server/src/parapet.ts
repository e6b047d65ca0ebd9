/** A gated server around any connect-es services: plans, gate, protocols and the one port, composed. */
import { createHmac, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { create, type DescService, hasOption } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { AuditLevel, method as methodPolicy, MethodPolicySchema, type MethodPolicy } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { Health } from "@parapet/contract/grpc/health/v1/health_pb";
import { ServerReflection } from "@parapet/contract/grpc/reflection/v1/reflection_pb";
import type { RestRoute } from "@parapet/contract/rest/routes";
import type { AuditSink } from "./audit/sink.js";
import { bind, type ListenOptions } from "./edge/bind.js";
import { createClientIp } from "./edge/client-ip.js";
import { createOnePort, type OnePort, type OnePortTimeouts } from "./edge/one-port.js";
import { createRequestFacts } from "./edge/request-facts.js";
import { createRequestIds } from "./edge/request-id.js";
import { createAct } from "./gate/act.js";
import { buildPlans, declaredBuckets, type Registration } from "./gate/build-plans.js";
import type { Pseudonym } from "./gate/field-paths.js";
import { createFlood } from "./gate/flood.js";
import { createGate } from "./gate/gate.js";
import type { Idempotency } from "./gate/idempotency.js";
import type { Plan } from "./gate/plan.js";
import type { Authenticated, IdentitySource } from "./identity/identity-source.js";
import type { BucketNumbers, Limiter } from "./limit/limiter.js";
import { createMemoryLimiter } from "./limit/memory-limiter.js";
import * as limits from "./limits.js";
import { silentLog, type Log } from "./log.js";
import { createMetrics, type Metrics } from "./metrics.js";
import { createDispatch } from "./protocols/dispatch.js";
import type { StaticDocument } from "./protocols/documents.js";
import { createHealthService } from "./services/health-service.js";
import { createReflectionService } from "./services/reflection-service.js";
import { setTimeout as delay } from "node:timers/promises";

/** Registers services, as the `routes` function of connect-es does. */
export interface ServiceRegistrar {
  service<T extends DescService>(service: T, implementation: Partial<ServiceImpl<T>>): ServiceRegistrar;
}

/** What a gated server is made of. */
export interface ParapetOptions {
  /** Registers the services; every method needs a policy, in its proto or in `overlay`. */
  readonly services: (router: ServiceRegistrar) => unknown;
  /** REST routes, as the generator makes them. Default: none. */
  readonly rest?: readonly RestRoute[];
  /** Proves credentials. */
  readonly identity: IdentitySource;
  /** Where records go. */
  readonly audit: AuditSink;
  /** Policies of methods whose protos are not ours to annotate, by `package.Service/Method`. */
  readonly overlay?: Readonly<Record<string, MethodPolicy>>;
  /** Numbers in force, by bucket; default: those of the contract. */
  readonly buckets?: Readonly<Record<string, BucketNumbers>>;
  /** Counts calls; default: in memory. `null` switches limits off. */
  readonly limiter?: Limiter | null;
  readonly limitBy?: "user" | "ip";
  /** Bucket that failed credentials spend; default `api`, else the first of the contract. */
  readonly failureBucket?: string;
  /** Everybody is this principal: authentication is off. For loopback only. */
  readonly everybody?: Authenticated;
  readonly idempotency?: Idempotency;
  /** Key of the pseudonyms in audit records, 32 bytes; default: random, so that they differ after a restart. */
  readonly pseudonymKey?: Uint8Array;
  /** What is served to everybody as it is, by path, where no route is. */
  readonly documents?: ReadonlyMap<string, StaticDocument>;
  readonly corsOrigins?: readonly string[];
  readonly trustedProxies?: readonly string[];
  readonly tenant?: string;
  readonly messageBytesMax?: number;
  /** Which executor runs unary calls; default `fast`. Both give the same answers. */
  readonly unary?: "fast" | "connect-es";
  /** Whether reflection needs a principal. */
  readonly reflection?: "public" | "authenticated" | "off";
  readonly timeouts?: Partial<OnePortTimeouts>;
  /** Called as a call arrives, before anything is decided; for deployments of several processes over one store. */
  readonly catchUp?: () => void;
  /** False while the store does not answer. */
  readonly serving?: () => boolean;
  readonly metrics?: Metrics;
  readonly log?: Log;
}

/** A gated server. */
export interface Parapet {
  readonly plans: readonly Plan[];
  readonly metrics: Metrics;
  /** The handler of both HTTP versions, for whoever brings a listener of their own. */
  readonly handler: ReturnType<typeof createDispatch>;
  /** Aborted when draining begins. */
  readonly draining: AbortSignal;
  /** Starts to listen; resolves with the port. */
  listen(options: ListenOptions): Promise<number>;
  /** Serves a connection that another process accepted. */
  accept(socket: Socket): void;
  /** Stops accepting, lets calls end for at most `timeoutMs`, writes what is counted. */
  close(timeoutMs?: number): Promise<void>;
}

/** Composes the server. Throws a ContractError if a method has no policy, or one that does not hold together. */
export function createParapet(options: ParapetOptions): Parapet {
  const log = options.log ?? silentLog;
  const nowMs = (): number => performance.now();
  const metrics = options.metrics ?? createMetrics(nowMs);
  const shutdown = new AbortController();
  const pseudonymKey = options.pseudonymKey ?? randomBytes(32);
  const pseudonym: Pseudonym = (value) => `~${createHmac("sha256", pseudonymKey).update(value).digest("base64url").slice(0, 16)}`;

  const registrations: Registration[] = [];
  const router: ServiceRegistrar = {
    service(service, implementation) {
      registrations.push({ service, implementation: implementation as Registration["implementation"] });
      return router;
    },
  };
  options.services(router);
  const served = registrations.map(({ service }) => service);
  const isServing = (): boolean => !shutdown.signal.aborted && (options.serving?.() ?? true);
  // Whoever registers one of the standard services serves it, under the policy of their own contract.
  const standard = [Health, ServerReflection].filter(({ typeName }) => served.every((service) => service.typeName !== typeName));
  if (standard.includes(Health)) router.service(Health, createHealthService({ services: served.map(({ typeName }) => typeName), serving: isServing, shutdown: shutdown.signal }));
  const reflection = options.reflection ?? "authenticated";
  if (reflection !== "off" && standard.includes(ServerReflection)) router.service(ServerReflection, createReflectionService([...served, ...standard]));

  const buckets = { ...declaredBuckets(registrations), ...options.buckets };
  const failureBucket = buckets[options.failureBucket ?? "api"] ?? Object.values(buckets)[0] ?? fallbackBucket;
  const plans = buildPlans(registrations, { overlay: { ...standardPolicies(registrations, reflection, failureBucket.name), ...options.overlay }, buckets: { [failureBucket.name]: failureBucket, ...buckets }, pseudonym });

  const limiter = options.limiter === null ? undefined : (options.limiter ?? createMemoryLimiter({ nowMs }));
  const gate = createGate({
    identity: options.identity,
    limiter,
    limitBy: options.limitBy ?? "user",
    failureBucket,
    everybody: options.everybody,
    nowUnixSeconds: () => Date.now() / 1000,
    catchUp: options.catchUp,
  });
  const flood = createFlood(options.audit, pseudonymKey, nowMs);
  const act = createAct({ gate, audit: options.audit, flood, idempotency: options.idempotency, pseudonym, log });
  const newId = createRequestIds();
  const handler = createDispatch({
    plans,
    routes: options.rest ?? [],
    documents: options.documents ?? new Map(),
    gate,
    act,
    newId,
    factsOf: createRequestFacts({
      newId,
      clientIp: createClientIp(options.trustedProxies ?? [], (peer) => log.warn("a forwarding header from an untrusted peer is ignored; PARAPET_TRUSTED_PROXIES lists those that are believed", { peer })),
    }),
    corsOrigins: options.corsOrigins ?? [],
    defaultTenant: options.tenant ?? "default",
    messageBytesMax: options.messageBytesMax ?? limits.messageBytesMax,
    responseBytesMax: limits.responseBytesMax,
    unary: options.unary ?? "fast",
    localOnly: options.everybody !== undefined,
    metrics,
    shutdown: shutdown.signal,
    log,
  });

  const ports: OnePort[] = [];
  const flushTimer = setInterval(() => {
    flood.flush().catch((cause: unknown) => log.error("counted records not written", { cause }));
  }, limits.countedRecordIntervalMs);
  flushTimer.unref();

  const createPort = (): OnePort => {
    const port = createOnePort(handler, options.timeouts);
    ports.push(port);
    return port;
  };
  let given: OnePort | undefined;

  return {
    plans,
    metrics,
    handler,
    draining: shutdown.signal,
    listen: (where) => bind(where, () => createPort().listener),
    accept(socket) {
      given ??= createPort();
      given.accept(socket);
    },
    async close(timeoutMs = limits.drainTimeoutMs) {
      shutdown.abort();
      clearInterval(flushTimer);
      await Promise.all(ports.map((port) => port.drain(timeoutMs)));
      // Calls that were cut off have their records still to write.
      await Promise.race([handler.idle(), delay(limits.settleTimeoutMs, undefined, { ref: false })]);
      await flood.flush();
    },
  };
}

/** For contracts that declare no bucket at all: the numbers of the reference server. */
const fallbackBucket: BucketNumbers = { name: "api", algorithm: 1, requests: 100, burst: 50, windowMs: 60_000 };

/** Policies of the standard services, whose protos are not ours to annotate; methods that are annotated nevertheless keep their own. */
function standardPolicies(registrations: readonly Registration[], reflection: "public" | "authenticated" | "off", bucket: string): Record<string, MethodPolicy> {
  const health = create(MethodPolicySchema, {
    access: { rule: { case: "public", value: { ignoreBadCredential: true } } },
    limit: { kind: { case: "exempt", value: true } },
    audit: { action: "grpc.health", resource: "health", level: AuditLevel.NONE },
  });
  const describe = create(MethodPolicySchema, {
    access: { rule: reflection === "public" ? { case: "public", value: {} } : { case: "authenticated", value: {} } },
    limit: { kind: { case: "bucket", value: bucket } },
    audit: { action: "grpc.reflection", resource: "reflection", level: AuditLevel.NONE },
  });
  const policies = {
    "grpc.health.v1.Health/Check": health,
    "grpc.health.v1.Health/List": health,
    "grpc.health.v1.Health/Watch": health,
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": describe,
  };
  const annotated = registrations.flatMap(({ service }) => service.methods.filter((method) => hasOption(method, methodPolicy)).map(({ name }) => `${service.typeName}/${name}`));
  return Object.fromEntries(Object.entries(policies).filter(([name]) => !annotated.includes(name)));
}
