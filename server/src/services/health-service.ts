/** The standard gRPC health service (grpc/grpc-proto, health/v1). */
import type { ServiceImpl } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@parapet/contract/grpc/health/v1/health_pb";

/** What the health service needs. */
export interface HealthOptions {
  /** Full names of the services that are served. */
  readonly services: readonly string[];
  /** False while the server drains or its store does not answer. */
  readonly serving: () => boolean;
  /** Aborted when draining begins. */
  readonly shutdown: AbortSignal;
}

/** Makes the service. `Watch` sends the status, and once more when draining begins. */
export function createHealthService({ services, serving, shutdown }: HealthOptions): ServiceImpl<typeof Health> {
  const known = new Set(["", ...services]);
  const status = (): Status => (serving() ? Status.SERVING : Status.NOT_SERVING);
  return {
    check({ service }) {
      if (!known.has(service)) throw new ConnectError("unknown service", Code.NotFound);
      return { status: status() };
    },
    list() {
      return { statuses: Object.fromEntries([...known].map((name) => [name, { status: status() }])) };
    },
    async *watch({ service }, { signal }) {
      if (!known.has(service)) {
        yield { status: Status.SERVICE_UNKNOWN };
        return;
      }
      yield { status: status() };
      await new Promise<void>((resolve) => {
        const done = (): void => {
          signal.removeEventListener("abort", done);
          shutdown.removeEventListener("abort", done);
          resolve();
        };
        if (signal.aborted || shutdown.aborted) return resolve();
        signal.addEventListener("abort", done);
        shutdown.addEventListener("abort", done);
      });
      // connect-es aborts the signal of every handler as well when draining begins.
      if (shutdown.aborted) yield { status: Status.NOT_SERVING };
    },
  };
}
