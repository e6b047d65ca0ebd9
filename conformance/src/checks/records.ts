/** Makes calls whose audit records can be found, and finds them. */
import type { JsonObject } from "@bufbuild/protobuf";
import { CredentialKind, Protocol } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import type { AuditEntry } from "@parapet/contract/parapet/audit/v1/audit_service_pb";
import type { Context } from "../run/context.js";
import type { CallOptions, CallResult, Encoding, Variant } from "../wire/wire.js";

/** What a record calls a protocol. */
export const protocolOf: Readonly<Record<Encoding, Protocol>> = {
  "grpc": Protocol.GRPC,
  "grpc-web": Protocol.GRPC_WEB,
  "grpc-web-text": Protocol.GRPC_WEB,
  "connect-proto": Protocol.CONNECT,
  "connect-json": Protocol.CONNECT,
  "connect-get": Protocol.CONNECT,
  "rest": Protocol.REST,
};

/** A call and what the log says of it. */
export interface Recorded {
  readonly result: CallResult;
  readonly requestId: string;
  /** Every record under its request id, counted ones left out. */
  readonly records: readonly AuditEntry[];
}

/** Makes a call under a request id of its own and reads its records at once. */
export async function recorded(context: Context, variant: Variant, method: string, request: JsonObject, options: CallOptions = {}): Promise<Recorded> {
  const requestId = context.requestId();
  const result = await context.call(variant, method, request, { ...options, headers: [["x-request-id", requestId], ...(options.headers ?? [])] });
  const records = await context.records({ requestId });
  return { result, requestId, records: records.filter(({ count }) => count <= 1n) };
}

/** The parts of a record that are the same for the same call over any protocol. */
export function comparable(record: AuditEntry): Record<string, unknown> {
  const { tenant, actor, actorId, credentialKind, credentialId, action, method, resource, collection, key, decision, rule, result, code, reason, details, phase } = record;
  return {
    tenant, actor, actorId, credentialKind: CredentialKind[credentialKind], credentialId, action, method, resource, collection, key, decision, rule, result, code, reason, phase,
    details: details.map(({ name, value }) => [name, value]),
  };
}

/** A record in a few words. */
export function shown({ action, code, reason, actor, result }: AuditEntry): string {
  return [action, result, code, reason, actor].filter((part) => part !== "").join(" ");
}
