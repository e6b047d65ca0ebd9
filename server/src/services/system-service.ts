/** The deployment itself: health, readiness, capabilities, compliance, metrics, limit overrides. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { SystemService } from "@parapet/contract/parapet/system/v1/system_service_pb";
import { contractHash } from "@parapet/contract/contract";
import type { Control } from "../config.js";
import { callOf } from "../call.js";
import { fail, Reason } from "../errors.js";
import type { BucketNumbers } from "../limit/limiter.js";
import type { LimitOverrides } from "../limit/overrides.js";
import { version } from "../version.js";

/** What the system service needs. */
export interface SystemOptions {
  /** Resolves when the store took a write; rejects if it did not. */
  readonly probe: () => Promise<void>;
  /** True while the store takes no change that grows it. */
  readonly full: () => boolean;
  readonly draining: () => boolean;
  readonly controls: () => readonly Control[];
  readonly production: boolean;
  readonly authentication: boolean;
  /** Undefined entries: limits are off. */
  readonly buckets: readonly BucketNumbers[];
  readonly limitBy: "user" | "ip";
  readonly messageBytesMax: number;
  readonly features: readonly string[];
  /** The counters in the Prometheus text format. */
  readonly metricsText: () => string | Promise<string>;
  readonly metricsPublic: boolean;
  readonly overrides: LimitOverrides;
}

const protocols = ["grpc", "grpc-web", "grpc-web-text", "connect", "connect-get", "rest"];

/** Makes the service. */
export function createSystemService(options: SystemOptions): ServiceImpl<typeof SystemService> {
  const { overrides } = options;
  return {
    getHealth: () => ({ status: "healthy" }),
    async getReadiness() {
      if (options.draining()) throw fail(Reason.SHUTTING_DOWN);
      try {
        await options.probe();
      } catch (cause) {
        throw fail(Reason.NOT_READY, {}, { message: "the store does not take a write", cause });
      }
      if (options.full()) throw fail(Reason.NOT_READY, {}, { message: "the store is full: it takes no change that grows it" });
      return { status: "ready" };
    },
    getCapabilities: () => ({
      implementation: "parapet",
      version,
      contractHash,
      protocols,
      features: [...options.features],
      limits: options.buckets.map(({ name, algorithm, requests, burst, windowMs }) => ({
        bucket: name,
        algorithm,
        requests,
        burst,
        window: { seconds: BigInt(Math.floor(windowMs / 1000)), nanos: Math.round((windowMs % 1000) * 1e6) },
        key: options.limitBy,
      })),
      authentication: options.authentication,
      revocationBound: { seconds: 0n, nanos: 0 },
      messageBytesMax: options.messageBytesMax,
      batchAtomic: true,
    }),
    getComplianceStatus() {
      const controls = options.controls();
      return { compliant: controls.every(({ satisfied }) => satisfied), production: options.production, controls: controls.map((control) => ({ ...control })) };
    },
    async getMetrics(_request, context) {
      // In production mode the numbers say more of the traffic than a stranger should know.
      if (!options.metricsPublic) {
        const { principal } = callOf(context);
        if (principal === undefined) throw fail(Reason.CREDENTIAL_MISSING);
        if (!principal.admin) throw fail(Reason.ADMIN_REQUIRED);
      }
      return { body: { contentType: "text/plain; version=0.0.4; charset=utf-8", data: new TextEncoder().encode(await options.metricsText()) } };
    },
    setLimitOverride: (request, context) => overrides.set(request, callOf(context)),
    listLimitOverrides: (request, context) => overrides.list(request, callOf(context)),
    deleteLimitOverride: (request, context) => overrides.delete(request, callOf(context)),
  };
}
