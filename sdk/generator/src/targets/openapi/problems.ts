/** Error responses: one a status, with the reasons that the operation can give. */
import { createHash } from "node:crypto";
import { Code } from "@parapet/contract/google/rpc/code_pb";
import { codeName } from "../../build/reasons.js";
import type { Method, Model, Reason } from "../../model.js";
import { type HeaderName, headersObject, limitHeaders } from "./headers.js";
import type { OpenApiObject, Schema } from "./types.js";

/** Statuses that operations declare one by one; every other refusal is the default response. */
const declared: ReadonlySet<number> = new Set([400, 401, 403, 404, 409, 412, 413, 415, 429, 503]);
/** Reasons that a client meets only by calling something else than the operation. */
const elsewhere: ReadonlySet<string> = new Set(["METHOD_UNKNOWN", "VERB_NOT_ALLOWED"]);
/** Reasons about a body. */
const ofBody: ReadonlySet<string> = new Set(["MESSAGE_TOO_LARGE", "CONTENT_TYPE_UNSUPPORTED", "ENCODING_UNSUPPORTED"]);

/** Headers beside X-Request-Id, by status. */
const headersByStatus: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ["Challenge"],
  403: ["Challenge"],
  429: [...limitHeaders, "RetryAfter"],
  503: ["RetryAfter"],
};

/** Codes that a handler's own error may have, whatever the contract's reasons are; one that is unknown is answered as internal. */
const thrown: readonly string[] = Object.values(Code)
  .filter((code): code is Code => typeof code === "number" && code !== Code.OK && code !== Code.UNKNOWN)
  .map(codeName);

/** Schema of the document that every error response holds (RFC 9457). */
export function problemSchema(model: Model): Schema {
  const codes = [...new Set([...thrown, ...model.reasons.map(({ code }) => code)])].sort();
  return {
    type: "object",
    description: "What went wrong (RFC 9457). Switch on `reason`.",
    properties: {
      type: { type: "string", format: "uri-reference", description: "Names the reason as a URI." },
      title: { type: "string", description: "Short text of the reason." },
      status: { type: "integer", description: "The HTTP status." },
      detail: { type: "string", description: "Text that helps the caller." },
      code: { type: "string", enum: codes, description: "Canonical code, as Connect spells it." },
      reason: { type: "string", pattern: "^[A-Z][A-Z0-9_]+$", description: "Why, the same on every protocol." },
      domain: { type: "string", description: "Whose reasons these are." },
      metadata: { type: "object", additionalProperties: { type: "string" }, description: "Facts of this case." },
      requestId: { type: "string", description: "Id of the call." },
      error: { type: "string", description: "The title once more, for older clients." },
      violations: { type: "array", items: { $ref: "#/components/schemas/Violation" }, description: "The broken rules, with reason `FIELD_INVALID`." },
      retryAfterMs: { type: "integer", minimum: 0, description: "Milliseconds after which a retry is admitted, with reason `RATE_LIMITED`." },
    },
    required: ["type", "title", "status", "detail", "code", "reason", "domain", "metadata", "requestId", "error"],
  };
}

/** Schema of one broken rule. */
export const violationSchema: Schema = {
  type: "object",
  description: "A rule of the contract that a field breaks.",
  properties: {
    field: { type: "string", description: "Path of the field, e.g. `documents[3].key`; empty: the request as a whole." },
    description: { type: "string", description: "What is wrong with it." },
    rule: { type: "string", description: "Id of the rule, e.g. `string.min_len`." },
  },
  required: ["field", "description", "rule"],
};

/** Responses by what decides them, for each set of components: few sets of reasons serve many operations. */
const made = new WeakMap<Record<string, OpenApiObject>, Map<string, Record<string, OpenApiObject>>>();

/** The error responses of an operation, by status: references to components, which are added to `components` by name. */
export function problemResponses(model: Model, method: Method, hasBody: boolean, components: Record<string, OpenApiObject>): Record<string, OpenApiObject> {
  const known = made.get(components) ?? new Map<string, Record<string, OpenApiObject>>();
  made.set(components, known);
  const key = `${hasBody} ${method.reasons.map(({ name }) => name).join()}`;
  const responses = known.get(key) ?? responsesOf(model, method, hasBody, components);
  known.set(key, responses);
  return { ...responses };
}

function responsesOf(model: Model, method: Method, hasBody: boolean, components: Record<string, OpenApiObject>): Record<string, OpenApiObject> {
  const byName = new Map(model.reasons.map((reason) => [reason.name, reason]));
  const reasons = method.reasons
    .filter(({ name }) => !elsewhere.has(name) && (hasBody || !ofBody.has(name)))
    .map(({ name }) => byName.get(name)!)
    .filter(({ httpStatus }) => declared.has(httpStatus));
  const byStatus = new Map<number, Reason[]>();
  for (const reason of reasons) byStatus.set(reason.httpStatus, [...(byStatus.get(reason.httpStatus) ?? []), reason]);
  const refer = (name: string, response: () => OpenApiObject): OpenApiObject => {
    components[name] ??= response();
    return { $ref: `#/components/responses/${name}` };
  };
  const responses = [...byStatus]
    .sort(([a], [b]) => a - b)
    .map(([status, members]) => [String(status), refer(nameOf(status, members), () => problemResponse(status, members))] as const);
  return { ...Object.fromEntries(responses), default: refer("Failure", () => defaultResponse) };
}

/**
 * Depends on nothing but the reasons, so that a new operation renames no response. An identifier in every language: client
 * generators (orval among them) make a type of this name.
 */
function nameOf(status: number, reasons: readonly Reason[]): string {
  const names = reasons.map(({ name }) => name);
  const first = names[0]!.toLowerCase().replace(/(?:^|_)([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
  const others = names.length === 1 ? "" : `X${createHash("sha256").update(names.join()).digest("hex").slice(0, 8)}`;
  return `Problem${status}${first}${others}`;
}

const defaultResponse: OpenApiObject = {
  description: "Any other failure.",
  headers: headersObject(["RequestId"]),
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

function problemResponse(status: number, reasons: readonly Reason[]): OpenApiObject {
  const names = reasons.map(({ name }) => name);
  return {
    description: reasons.map(({ name, docs, title }) => `\`${name}\`: ${docs || title}`).join("\n\n"),
    headers: headersObject(["RequestId", ...(headersByStatus[status] ?? [])]),
    content: {
      "application/problem+json": {
        schema: {
          allOf: [
            { $ref: "#/components/schemas/Problem" },
            { type: "object", properties: { status: { type: "integer", const: status }, reason: { type: "string", enum: names } }, required: ["status", "reason"] },
          ],
        },
        example: exampleOf(reasons[0]!),
      },
    },
  };
}

function exampleOf({ name, code, httpStatus, title }: Reason): OpenApiObject {
  const retryAfterMs = httpStatus === 429 ? { retryAfterMs: 600 } : {};
  const violations = name === "FIELD_INVALID" ? { violations: [{ field: "name", description: "must be at least 1 characters", rule: "string.min_len" }] } : {};
  return {
    type: `urn:parapet:reason:${name}`,
    title,
    status: httpStatus,
    detail: title,
    code,
    reason: name,
    domain: "parapet",
    metadata: {},
    requestId: "01939c3c-6f00-7000-8000-000000000001",
    error: title,
    ...violations,
    ...retryAfterMs,
  };
}
