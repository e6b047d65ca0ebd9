/** The contract as the suite sees it: every method with its policy and its REST bindings, read from the descriptors. */
import { type DescMethod, type DescService, getOption } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { http as httpOption } from "@parapet/contract/google/api/annotations_pb";
import type { HttpRule } from "@parapet/contract/google/api/http_pb";
import { AuditService } from "@parapet/contract/parapet/audit/v1/audit_service_pb";
import { AuthService } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { ReasonSchema, spec } from "@parapet/contract/parapet/error/v1/reason_pb";
import { type Bucket, type MethodPolicy, file as filePolicy, method as methodPolicy } from "@parapet/contract/parapet/policy/v1/policy_pb";
import { SystemService } from "@parapet/contract/parapet/system/v1/system_service_pb";
import { codeNames, httpStatusOfCode } from "./wire/wire.js";

/** A part of a path template: text as it is, or the value of a request field. */
export type Segment = { readonly literal: string } | { readonly variable: string };

/** One REST route of a method. */
export interface RestBinding {
  readonly verb: string;
  readonly template: string;
  readonly segments: readonly Segment[];
  /** Names of the request fields in the path. */
  readonly variables: readonly string[];
  /** `*`, the name of a request field, or empty. */
  readonly body: string;
  /** Name of the response field that is the body; empty: the whole message. */
  readonly responseBody: string;
}

/** One method of the contract. */
export interface ContractMethod {
  readonly desc: DescMethod;
  /** E.g. `AuthService/Login`. */
  readonly name: string;
  /** E.g. `/parapet.auth.v1.AuthService/Login`. */
  readonly path: string;
  /** Undefined where the contract forgot it, which AZ-01 reports. */
  readonly policy: MethodPolicy | undefined;
  readonly sideEffects: boolean;
  readonly bindings: readonly RestBinding[];
}

const services: readonly DescService[] = [AuthService, DocumentService, AuditService, SystemService];

/** Every method, in the order of the contract. */
export const methods: readonly ContractMethod[] = services.flatMap((service) => service.methods.map(contractMethod));

const byName = new Map(methods.map((method) => [method.name, method]));

/** The method of a name such as `AuthService/Login`. */
export function methodOf(name: string): ContractMethod {
  const method = byName.get(name);
  if (method === undefined) throw new Error(`the contract has no method ${name}`);
  return method;
}

/** The buckets that the contract declares, by name. */
export const buckets: ReadonlyMap<string, Bucket> = new Map(
  [...new Set(services.map(({ file }) => file))].flatMap((file) => getOption(file, filePolicy).buckets.map((bucket) => [bucket.name, bucket] as const)),
);

/** What a reason of the contract means on the wire. */
export interface ReasonFacts {
  readonly name: string;
  /** Name of its code as Connect spells it. */
  readonly code: string;
  /** HTTP status on REST. */
  readonly restStatus: number;
  readonly title: string;
}

/** Every reason of the contract, by its name in ErrorInfo. */
export const reasons: ReadonlyMap<string, ReasonFacts> = new Map(
  ReasonSchema.values
    .filter(({ number }) => number !== 0)
    .map((value) => {
      const option = getOption(value, spec);
      const name = value.name.replace(/^REASON_/, "");
      const code = codeNames[option.code] ?? "unknown";
      return [name, { name, code, restStatus: option.httpStatus || httpStatusOfCode[code]!, title: option.title }];
    }),
);

function contractMethod(desc: DescMethod): ContractMethod {
  const policy = getOption(desc, methodPolicy);
  return {
    desc,
    name: `${desc.parent.name}/${desc.name}`,
    path: `/${desc.parent.typeName}/${desc.name}`,
    policy: policy.access === undefined ? undefined : policy,
    sideEffects: desc.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
    bindings: bindingsOf(getOption(desc, httpOption)),
  };
}

function bindingsOf(rule: HttpRule): RestBinding[] {
  return [rule, ...rule.additionalBindings].flatMap((each) => {
    const { case: kind, value } = each.pattern;
    if (kind === undefined) return [];
    const verb = kind === "custom" ? value.kind : kind.toUpperCase();
    const template = kind === "custom" ? value.path : value;
    const segments = segmentsOf(template);
    const variables = segments.flatMap((segment) => ("variable" in segment ? [segment.variable] : []));
    return [{ verb, template, segments, variables, body: each.body, responseBody: each.responseBody }];
  });
}

function segmentsOf(template: string): Segment[] {
  return template
    .split(/(\{[^}]*\})/)
    .filter((part) => part !== "")
    .map((part) => (part.startsWith("{") ? { variable: part.slice(1, -1).split("=")[0]! } : { literal: part }));
}
