/** Target `conformance`: what a suite needs to know of every method to test a deployment from outside. */
import type { Json, JsonObject, Method, Model, Target } from "../../model.js";
import { indexOf } from "../../model-index.js";
import { tsHeader } from "../mark.js";
import { tsLiteral } from "../ts-literal.js";

/** Writes `cases.ts`. */
export const conformanceTarget: Target = {
  name: "conformance",
  summary: "cases.ts: for every method its policy, a valid request, and requests that break one rule each",
  emit: (model) => [{ path: "cases.ts", content: emitCases(model) }],
};

const types = `
/** A JSON value. */
export type CaseJson = null | boolean | number | string | readonly CaseJson[] | { readonly [name: string]: CaseJson };

/** A message as protobuf-JSON, one that is an object. */
export type CaseMessage = { readonly [name: string]: CaseJson };

/** What a suite needs to know of one method. */
export interface MethodCase {
  /** \`package.Service/Method\`. */
  readonly method: string;
  readonly kind: "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";
  /** \`idempotency_level\`. */
  readonly idempotency: "unknown" | "no_side_effects" | "idempotent";
  /** REST bindings, the main one first. */
  readonly bindings: readonly {
    readonly verb: "GET" | "PUT" | "POST" | "DELETE" | "PATCH";
    readonly template: string;
    readonly body: string;
    readonly responseBody: string;
  }[];
  /** Who may call: nobody in particular, any principal, or one that holds the right. */
  readonly role: "public" | "authenticated" | "read" | "write" | "admin";
  /** Public methods: a credential that does not verify is ignored. */
  readonly ignoreBadCredential: boolean;
  /** Dotted proto path of the request field that names the collection; empty: the server. */
  readonly resourceField: string;
  /** True if the right may be needed on the server itself. */
  readonly onServer: boolean;
  /** Name of the bucket; empty: exempt. */
  readonly bucket: string;
  /** Units one call spends; 0: exempt. */
  readonly cost: number;
  /** Dotted proto path of the request field that names an account whose budget is spent as well; or empty. */
  readonly accountField: string;
  readonly auditAction: string;
  readonly auditResource: string;
  readonly auditLevel: "none" | "metadata" | "request";
  readonly idempotencyKey: "ignored" | "optional" | "required";
  /** Proto names of the fields that page; null: it does not page. */
  readonly paging: { readonly pageToken: string; readonly pageSize: string; readonly nextPageToken: string; readonly items: string; readonly totalSize: string } | null;
  /** Proto paths of the fields behind If-Match, If-None-Match and ETag; null: none. */
  readonly conditional: { readonly etag: string; readonly createOnly: string; readonly responseEtag: string } | null;
  /** True if the response holds a secret, so that it is never stored for a replay. */
  readonly secretResponse: boolean;
  /** A valid request with nothing that it does not need; null: the rules leave nothing that could be found. */
  readonly request: CaseJson;
  /** A valid request with every field that may stand beside the others; null as above. */
  readonly fullRequest: CaseJson;
  /** Requests that break one rule each; \`field\` and \`rule\` as a violation names them. */
  readonly invalid: readonly { readonly field: string; readonly rule: string; readonly request: CaseMessage }[];
  /** Dotted proto paths of request fields that hold secrets. */
  readonly secretFields: readonly string[];
  /** JSON names of the response's fields. */
  readonly responseFields: readonly string[];
  /** Reasons that the method's own comment names. */
  readonly reasons: readonly string[];
}

/** A named limit with the numbers that the contract gives it. */
export interface BucketCase {
  readonly name: string;
  readonly algorithm: "token_bucket" | "strict_window";
  readonly requests: number;
  readonly burst: number;
  readonly windowMs: number;
}
`;

function emitCases(model: Model): string {
  const cases = model.services.flatMap((service) => service.methods).map((method) => caseOf(model, method));
  return `${tsHeader("What a conformance suite needs to know of every method")}${types}
/** Every bucket of the contract, sorted by name. */
export const buckets: readonly BucketCase[] = ${tsLiteral(model.buckets.map((bucket) => ({ ...bucket })))};

/** Every method, services sorted by name, methods in the order of the contract. */
export const cases: readonly MethodCase[] = ${tsLiteral(cases)};
`;
}

/** Two targets print the same. */
const known = new WeakMap<Method, JsonObject>();

/** What a suite needs to know of one method, as JSON. */
export function caseOf(model: Model, method: Method): JsonObject {
  const made = known.get(method) ?? makeCase(model, method);
  known.set(method, made);
  return made;
}

function makeCase(model: Model, method: Method): JsonObject {
  const { access, limit, audit, idempotencyKey } = method.policy;
  const permission = access.kind === "permission" ? access : undefined;
  const bucket = limit.kind === "bucket" ? limit : undefined;
  return {
    method: method.fullName,
    kind: method.kind,
    idempotency: method.idempotency,
    bindings: method.bindings.map(({ verb, template, body, responseBody }) => ({ verb, template, body, responseBody })),
    role: access.kind === "permission" ? access.right : access.kind,
    ignoreBadCredential: access.kind === "public" && access.ignoreBadCredential,
    resourceField: permission?.resourceField ?? "",
    onServer: permission?.server ?? false,
    bucket: bucket?.bucket ?? "",
    cost: bucket?.cost ?? 0,
    accountField: bucket?.accountField ?? "",
    auditAction: audit.action,
    auditResource: audit.resource,
    auditLevel: audit.level,
    idempotencyKey,
    paging: method.paging ? { ...method.paging } : null,
    conditional: method.conditional ? { ...method.conditional } : null,
    secretResponse: method.secretResponse,
    request: method.examples.minimal ?? null,
    fullRequest: method.examples.request ?? null,
    invalid: method.examples.invalid.map(({ field, rule, request }) => ({ field, rule, request })),
    secretFields: secretFieldsOf(model, method.request, []),
    responseFields: indexOf(model).messages.get(method.response)?.fields.map(({ jsonName }) => jsonName) ?? [],
    reasons: method.reasons.flatMap(({ name, from }): Json[] => (from === "comment" ? [name] : [])) as Json[],
  };
}

function secretFieldsOf(model: Model, typeName: string, above: readonly string[], path: readonly string[] = []): string[] {
  if (above.includes(typeName)) return [];
  return (indexOf(model).messages.get(typeName)?.fields ?? []).flatMap((field) => {
    const here = [...path, field.name];
    if (field.redact) return [here.join(".")];
    return field.type.kind === "message" ? secretFieldsOf(model, field.type.name, [...above, typeName], here) : [];
  });
}
