/** The contract as the suite sees it: the generated case of every method beside its descriptor, and every reason. */
import { type DescMethod, type DescService, getOption } from "@bufbuild/protobuf";
import { type BucketCase, buckets as bucketCases, cases, type MethodCase } from "@parapet/contract/conformance/cases";
import { AuditService } from "@parapet/contract/parapet/audit/v1/audit_service_pb";
import { AuthService } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { ReasonSchema, spec } from "@parapet/contract/parapet/error/v1/reason_pb";
import { SystemService } from "@parapet/contract/parapet/system/v1/system_service_pb";
import { codeNames, httpStatusOfCode } from "./wire/wire.js";

/** A part of a path template: text as it is, or the value of a request field, which may be one of a message within it and fill several segments of the path. */
export type Segment = { readonly literal: string } | { readonly variable: string; readonly pattern: string };

/** One REST route of a method. */
export interface RestBinding {
  readonly verb: string;
  readonly template: string;
  readonly segments: readonly Segment[];
  /** Paths of the request fields in the path. */
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
  /** What the contract says of it: access, limit, audit, requests. */
  readonly facts: MethodCase;
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
export const buckets: ReadonlyMap<string, BucketCase> = new Map(bucketCases.map((bucket) => [bucket.name, bucket]));

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
  const facts = cases.find(({ method }) => method === `${desc.parent.typeName}/${desc.name}`);
  if (facts === undefined) throw new Error(`the contract has no case of ${desc.parent.typeName}/${desc.name}: generate it anew`);
  return methodFrom(desc, facts);
}

/** A method of any contract, from its descriptor and its case. */
export function methodFrom(desc: DescMethod, facts: MethodCase): ContractMethod {
  return {
    desc,
    name: `${desc.parent.name}/${desc.name}`,
    path: `/${facts.method}`,
    facts,
    sideEffects: facts.idempotency !== "no_side_effects",
    bindings: facts.bindings.map(({ verb, template, body, responseBody }) => {
      const segments = segmentsOf(template);
      return { verb, template, segments, variables: segments.flatMap((segment) => ("variable" in segment ? [segment.variable] : [])), body, responseBody };
    }),
  };
}

function segmentsOf(template: string): Segment[] {
  return template
    .split(/(\{[^}]*\})/)
    .filter((part) => part !== "")
    .map((part) => {
      // A wildcard outside of a variable takes any segment.
      if (!part.startsWith("{")) return { literal: part.replace(/\*+/g, "any") };
      const [variable = "", pattern = "*"] = part.slice(1, -1).split("=");
      return { variable, pattern };
    });
}
