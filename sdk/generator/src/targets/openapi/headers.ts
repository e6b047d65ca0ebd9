/** Headers of requests and responses, as components that operations refer to. */
import type { Method } from "../../model.js";
import type { OpenApiObject } from "./types.js";

const integer = { type: "integer", minimum: 0 };
const string = { type: "string" };

/** Every response header that a document can refer to, by its component name. */
export const responseHeaders = {
  RequestId: { name: "X-Request-Id", description: "Id of the call; audit records carry it.", schema: string },
  RateLimitLimit: { name: "X-RateLimit-Limit", description: "Calls the budget holds when full.", schema: integer },
  RateLimitRemaining: { name: "X-RateLimit-Remaining", description: "Calls left in the budget.", schema: integer },
  RateLimitReset: { name: "X-RateLimit-Reset", description: "When the budget is full again, in Unix seconds.", schema: integer },
  RateLimit: { name: "RateLimit", description: "State of the budget: `\"api\";r=<calls left>;t=<seconds to the next>` (draft-ietf-httpapi-ratelimit-headers).", schema: string },
  RateLimitPolicy: { name: "RateLimit-Policy", description: "The budget: `\"api\";q=<calls>;w=<window in seconds>`.", schema: string },
  RetryAfter: { name: "Retry-After", description: "Seconds to wait, rounded up.", schema: integer },
  Challenge: { name: "WWW-Authenticate", description: "How to authenticate (RFC 9110 section 11.6.1).", schema: string },
  ETag: { name: "ETag", description: "Changes with every change of the resource; for If-Match.", schema: string },
  TotalCount: { name: "X-Total-Count", description: "Items in all, on every page the same.", schema: integer },
  Replayed: { name: "Idempotency-Replayed", description: "`true` if the call was executed before and this is its first response.", schema: { type: "string", const: "true" } },
} as const;

/** Name of a header component. */
export type HeaderName = keyof typeof responseHeaders;

/** Limit headers, on every answer of a limited method. */
export const limitHeaders: readonly HeaderName[] = ["RateLimitLimit", "RateLimitRemaining", "RateLimitReset", "RateLimit", "RateLimitPolicy"];

/** The headers object of a response: references by header name. */
export function headersObject(names: readonly HeaderName[]): OpenApiObject {
  return Object.fromEntries(names.map((name) => [responseHeaders[name].name, { $ref: `#/components/headers/${name}` }]));
}

/** The component of a header. */
export function headerComponent(name: HeaderName): OpenApiObject {
  const { description, schema } = responseHeaders[name];
  return { description, schema: { ...schema } };
}

/** Header parameters of a method's requests; `asEvents`: its answers may be server-sent events. */
export function headerParameters({ policy, conditional, idempotency }: Method, asEvents: boolean): OpenApiObject[] {
  const parameters: OpenApiObject[] = [];
  const add = (name: string, description: string, schema: object, required = false): void => {
    parameters.push({ name, in: "header", description, ...(required ? { required } : {}), schema });
  };
  if (policy.idempotencyKey !== "ignored") {
    add(
      "Idempotency-Key",
      "Makes a repeated call count once: the second answer is the first one's. A fresh key for each intent; kept for 24 hours.",
      { type: "string", minLength: 1, maxLength: 255 },
      policy.idempotencyKey === "required",
    );
  }
  if (conditional?.etag) add("If-Match", `The entity tag that the resource must have, in quotes; stands for the field \`${conditional.etag}\`.`, { type: "string", pattern: '^\\s*"[^"]*"\\s*$' });
  if (conditional?.createOnly) add("If-None-Match", "`*`: the resource must not exist yet.", { type: "string", const: "*" });
  else if (isCacheable({ conditional, idempotency })) add("If-None-Match", "The entity tag that the caller has, in quotes; if it is still the one, the answer is 304.", string);
  if (policy.resume && asEvents) {
    add(
      "Last-Event-ID",
      `With \`Accept: text/event-stream\`: the \`id\` of the last event that was read; the stream goes on behind it. It goes before the field \`${policy.resume.request}\`.`,
      string,
    );
  }
  return parameters;
}

/** True if a caller may ask for the response only if it changed. */
export function isCacheable({ conditional, idempotency }: Pick<Method, "conditional" | "idempotency">): boolean {
  return idempotency === "no_side_effects" && Boolean(conditional?.responseEtag);
}
