/** What the policy of a method says, in words. */
import { Code } from "@parapet/contract/google/rpc/code_pb";
import type { Binding, Bucket, Method, Reason } from "../../model.js";
import { queryOf } from "../../query.js";
import { cell, code, table } from "./markdown.js";
import type { LinkTo } from "./pages.js";
import type { Types } from "./types.js";

/** Key of a bucket's place on the pages. */
export const bucketKey = (name: string): string => `bucket ${name}`;

/** Key of a reason's place on the pages. */
export const reasonKey = (name: string): string => `reason ${name}`;

/** Who may call. */
export function accessOf({ policy: { access } }: Method): string {
  if (access.kind === "public") return `anybody; a credential that does not hold is ${access.ignoreBadCredential ? "ignored" : "refused"}`;
  if (access.kind === "authenticated") return "any principal";
  const right = `who holds ${code(access.right)} on`;
  if (access.resourceField === "") return `${right} the server`;
  return `${right} the collection that ${code(access.resourceField)} names${access.server ? ", or on the server where it names none" : ""}`;
}

const streams: Readonly<Record<Method["kind"], string>> = {
  unary: "one request, one answer",
  server_streaming: "one request, a stream of answers",
  client_streaming: "a stream of requests, one answer",
  bidi_streaming: "streams both ways",
};

/** The facts of a method, each with its name. */
export function factsOf(method: Method, types: Types, to: LinkTo): string[][] {
  const { policy, bindings, paging, conditional } = method;
  const { limit, audit } = policy;
  return [
    ["who may call", accessOf(method)],
    ["limit", limit.kind === "exempt" ? "none" : limitOf(limit, to)],
    ["audit", `${code(audit.action)} on ${code(audit.resource)}; ${recorded[audit.level]}`],
    ["repeating", repeatingOf(method)],
    ...bindings.map((binding, index) => [index === 0 ? "REST" : "REST, too", bindingOf(method, binding, types)]),
    ["gRPC, gRPC-Web, Connect", `${code(`/${method.fullName}`)}, ${streams[method.kind]}`],
    ...(paging ? [["pages", pagesOf(paging)]] : []),
    ...(policy.resume ? [["resuming", resumingOf(policy.resume)]] : []),
    ...(conditional ? [["conditions", conditionsOf(method, conditional)]] : []),
  ];
}

const recorded: Readonly<Record<Method["policy"]["audit"]["level"], string>> = {
  none: "refusals and failures are recorded",
  metadata: "every call is recorded",
  request: "every call is recorded with its request, secrets left out",
};

function limitOf({ bucket, cost, accountField }: Extract<Method["policy"]["limit"], { kind: "bucket" }>, to: LinkTo): string {
  const account = accountField === "" ? "" : `, for the caller's address and for the account that ${code(accountField)} names`;
  return `${to(code(bucket), bucketKey(bucket))}, ${cost === 1 ? "1 unit" : `${cost} units`} a call${account}`;
}

function repeatingOf({ idempotency, policy: { idempotencyKey }, secretResponse }: Method): string {
  const level = { no_side_effects: "safe: a call changes nothing", idempotent: "safe: a second call changes nothing more", unknown: "" }[idempotency];
  const header = code("Idempotency-Key");
  const key = { ignored: "", optional: `with an ${header} a second call is answered as the first`, required: `every call needs an ${header}; a second call with it is answered as the first` }[idempotencyKey];
  const secret = idempotencyKey !== "ignored" && secretResponse ? `, though without its secret: ${code("IDEMPOTENCY_RESPONSE_WITHHELD")}` : "";
  return [level, key === "" ? "" : `${key}${secret}`].filter((text) => text !== "").join("; ") || "a second call counts as a second one";
}

/** Where a binding has its fields. */
function bindingOf(method: Method, binding: Binding, types: Types): string {
  const jsonName = (field: string): string => code(types.jsonPath(method.request, field).join("."));
  const query = queryOf((name) => types.message(name), method.request, binding).parameters.map(({ name }) => code(name));
  const places = [
    ...(binding.variables.length > 0 ? [`path: ${binding.variables.map(({ field }) => jsonName(field)).join(", ")}`] : []),
    ...(query.length > 0 ? [`query: ${query.join(", ")}`] : []),
    ...(binding.body === "" ? [] : [`body: ${bodyOf()}${method.kind === "client_streaming" ? `, ${aLine}` : ""}`]),
    ...answerOf(),
  ];
  return `${code(`${binding.verb} ${binding.template}`)}${places.length === 0 ? "" : `<br>${places.join("; ")}`}`;

  function bodyOf(): string {
    if (binding.body === "*") return binding.variables.length === 0 ? "the request" : "the other fields";
    const [name = ""] = types.jsonPath(method.request, binding.body);
    return `${code(name)}${types.typeOf(method.request, name) === httpBody ? ", raw bytes" : ""}`;
  }

  function answerOf(): string[] {
    const name = binding.responseBody === "" ? undefined : types.jsonPath(method.response, binding.responseBody)[0]!;
    const parts = [
      ...(name === undefined ? [] : [code(name)]),
      ...((name === undefined ? method.response : types.typeOf(method.response, name)) === httpBody ? ["raw bytes"] : method.kind === "server_streaming" ? [`${aLine} or an event`] : []),
    ];
    return parts.length === 0 ? [] : [`answer: ${parts.join(", ")}`];
  }
}

const httpBody = "google.api.HttpBody";
const aLine = "a JSON value a line";

function pagesOf({ pageSize, pageToken, nextPageToken, items, totalSize }: NonNullable<Method["paging"]>): string {
  const size = pageSize === "" ? "" : `, at most ${code(pageSize)} on each`;
  const total = totalSize === "" ? "" : `; ${code(totalSize)} counts all`;
  return `${code(items)} come page by page${size}: send ${code(nextPageToken)} as ${code(pageToken)} for the next${total}`;
}

function resumingOf({ request, response }: NonNullable<Method["policy"]["resume"]>): string {
  return `a stream that breaks goes on: send the last ${code(response)} as ${code(request)}`;
}

function conditionsOf({ idempotency }: Method, { etag, createOnly, responseEtag }: NonNullable<Method["conditional"]>): string {
  const parts = [
    ...(etag === "" ? [] : [`${code("If-Match")} on REST stands for ${code(etag)}`]),
    ...(createOnly === "" ? [] : [`${code("If-None-Match: *")} for ${code(createOnly)}`]),
    ...(responseEtag === "" ? [] : [`${code("ETag")} gives ${code(responseEtag)}`]),
    ...(responseEtag === "" || idempotency !== "no_side_effects" ? [] : [`with ${code("If-None-Match")} the answer is 304 while it holds`]),
  ];
  return parts.join("; ");
}

/** Name and number of a code, as gRPC has them. */
export function grpcCode({ code: name }: Reason): string {
  const upper = name === "canceled" ? "CANCELLED" : name.toUpperCase();
  return `${code(upper)} (${Code[upper as keyof typeof Code]})`;
}

/** Reasons as a table. */
export function reasonsTable(reasons: readonly Reason[], to: LinkTo): string {
  return table(
    ["reason", "HTTP", "gRPC", "when"],
    reasons.map((reason) => [to(code(reason.name), reasonKey(reason.name)), ...cellsOf(reason)]),
  );
}

/** What is said of a reason, which many methods share. */
const known = new WeakMap<Reason, readonly string[]>();

function cellsOf(reason: Reason): readonly string[] {
  const cells = known.get(reason) ?? [String(reason.httpStatus), grpcCode(reason), cell(reason.docs || reason.title)];
  known.set(reason, cells);
  return cells;
}

/** How a bucket counts. */
export function countingOf({ algorithm, requests, burst, windowMs }: Bucket): string {
  const every = `${requests} in ${windowMs / 1000} s`;
  return algorithm === "strict_window" ? `${every}, counted exactly` : `${every} for good, and ${burst} more after a rest`;
}
