/** Operations: one for each REST binding. */
import { copyOf, memberOf } from "../../json.js";
import type { Binding, Field, Json, JsonObject, MessageType, Method, Model } from "../../model.js";
import { queryOf, type QueryParameter } from "../../query.js";
import { isRequired } from "../../rules.js";
import { plain } from "../docs/markdown.js";
import { byFields, wellKnownMessage } from "../../well-known.js";
import { codeSamplesOf, type SampleContext } from "./code-samples.js";
import { type HeaderName, headerParameters, headersObject, isCacheable, limitHeaders } from "./headers.js";
import { operationId, pathOf, type PathItem, type PathParameter } from "./names.js";
import { problemResponses } from "./problems.js";
import type { SchemaBuilder } from "./schemas.js";
import { compact, type OpenApiObject, type Schema } from "./types.js";

const httpBody = "google.api.HttpBody";
const json = "application/json";
const ndjson = "application/x-ndjson";
const eventStream = "text/event-stream";
/** Where a credential may stand, for methods that need one. */
const credentials = [{ bearerAuth: [] }, { apiKeyAuth: [] }];

/** The path item of a binding, before its parameters are named. */
export function pathItemOf(binding: Binding, method: Method, schemas: SchemaBuilder): PathItem {
  return pathOf(binding, (field) => stepsTo(schemas, method.request, field).map(({ jsonName }) => jsonName).join("."));
}

/** What operations of one document share. */
export interface OperationContext {
  readonly model: Model;
  /** Tags by full name of their services. */
  readonly tags: ReadonlyMap<string, string>;
  readonly schemas: SchemaBuilder;
  /** Version of OpenAPI: 3.2 has words for streams. */
  readonly spec: "3.1" | "3.2";
  /** Response components, filled as operations refer to them. */
  readonly responses: Record<string, OpenApiObject>;
  /** What code samples are made of, where they are wanted. */
  readonly samples: SampleContext | undefined;
}

/** The operation of a binding. `item` names the path's parameters. */
export function operationOf({ model, tags, schemas, spec, responses, samples }: OperationContext, method: Method, binding: Binding, item: PathItem): OpenApiObject {
  const query = queryOf((name) => schemas.message(name), method.request, binding);
  const stream = spec === "3.2" ? items : lines;
  const body = bodyOf(method, binding, schemas, stream);
  const summary = firstSentence(method.docs) || method.name;
  const description = descriptionOf(method, binding, query.unfit.map(({ path }) => path));
  const operation = compact({
    operationId: operationId(model, method, binding),
    tags: [tags.get(method.service)!],
    summary,
    description: description === `${summary}.` ? undefined : description,
    deprecated: method.deprecated || undefined,
    parameters: [
      ...item.parameters.map((parameter) => pathParameter(parameter, method, schemas)),
      ...query.parameters.map((parameter) => queryParameter(parameter, method, schemas)),
      ...headerParameters(method, method.kind === "server_streaming" && !isRaw(method, binding, schemas)),
    ],
    requestBody: body,
    responses: { ...successes(method, binding, schemas, stream), ...problemResponses(model, method, body !== undefined, responses) },
    "x-parapet-policy": policyExtension(method),
    "x-codeSamples": samples && codeSamplesOf(samples, method, binding),
  });
  // An empty list is what says that no credential is needed.
  return { ...operation, security: method.policy.access.kind === "public" ? [] : credentials };
}

function descriptionOf(method: Method, binding: Binding, left: readonly string[]): string {
  const { access, limit } = method.policy;
  const notes: string[] = [];
  if (access.kind === "permission") {
    const on = access.resourceField === "" ? "the server" : `the collection that \`${access.resourceField}\` names${access.server ? ", or on the server where it is empty" : ""}`;
    notes.push(`Needs the right \`${access.right}\` on ${on}.`);
  }
  if (limit.kind === "bucket" && limit.cost > 1) notes.push(`Spends ${limit.cost} units of the limit \`${limit.bucket}\`.`);
  if (left.length > 0) notes.push(`${left.map((path) => `\`${path}\``).join(", ")} cannot stand in a query string: use ${method.bindings.filter((other) => other !== binding).map(({ verb, template }) => `\`${verb} ${template}\``).join(" or ")} for that.`);
  return [plain(method.docs), ...notes].filter((text) => text !== "").join("\n\n");
}

function pathParameter({ name, field, within, multi }: PathParameter, method: Method, schemas: SchemaBuilder): OpenApiObject {
  const target = field === "" ? undefined : stepsTo(schemas, method.request, field).at(-1);
  const schema: Schema = target && within === "" ? schemas.ofField(target, "in") : { type: "string" };
  const { description, ...rest } = schema as Schema & { description?: string };
  const notes = [...(within ? [`A part of \`${field}\`, which has the form \`${within}\`.`] : []), ...(multi ? ["May hold slashes."] : [])];
  return compact({
    name,
    in: "path",
    required: true,
    description: [description ?? "", ...notes].filter((text) => text !== "").join(" "),
    schema: rest.$ref || rest.type !== "string" || rest["enum"] || rest["minLength"] ? rest : { ...rest, minLength: 1 },
    example: target && within === "" ? valueAt(method, schemas, field) : undefined,
    "x-parapet-slashes": multi || undefined,
  });
}

function queryParameter({ path, name, field }: QueryParameter, method: Method, schemas: SchemaBuilder): OpenApiObject {
  const { description, ...schema } = schemas.ofField(field, "in") as Schema & { description?: string };
  const top = !path.includes(".");
  return compact({
    name,
    in: "query",
    description,
    required: (top && isRequired(field)) || undefined,
    deprecated: field.deprecated || undefined,
    ...(field.cardinality === "repeated" ? { style: "form", explode: true } : {}),
    schema,
    example: valueAt(method, schemas, path),
  });
}

function bodyOf(method: Method, binding: Binding, schemas: SchemaBuilder, stream: StreamContent): OpenApiObject | undefined {
  if (binding.body === "") return undefined;
  const request = messageNamed(schemas, method.request)!;
  const field = binding.body === "*" ? undefined : request.fields.find(({ name }) => name === binding.body)!;
  if ((field ? nameOfMessage(field) : method.request) === httpBody) return { required: true, content: rawContent() };

  const captured = binding.variables.map(({ field: path }) => path);
  const schema = field ? bodyFieldSchema(field, captured, schemas) : captured.length > 0 ? schemas.ofFields(request, "in", captured) : schemas.ofMessage(method.request, "in");
  const { request: example } = method.examples;
  const isWhole = !field && captured.length === 0;
  const rest = example === undefined || isWhole ? undefined : omit(byFields(method.request, example), schemas, method.request, captured);
  const value = printable(isWhole ? example : field ? memberOf(rest, field.jsonName) : rest);
  return { required: true, content: method.kind === "client_streaming" ? stream(schema, value, false) : { [json]: compact({ schema, example: value }) } };
}

function bodyFieldSchema(field: Field, captured: readonly string[], schemas: SchemaBuilder): Schema {
  const inner = captured.filter((path) => path.startsWith(`${field.name}.`)).map((path) => path.slice(field.name.length + 1));
  return schemas.ofField(field, "in", inner);
}

function successes(method: Method, binding: Binding, schemas: SchemaBuilder, stream: StreamContent): Record<string, OpenApiObject> {
  const response = messageNamed(schemas, method.response);
  const field = response?.fields.find(({ name }) => name === binding.responseBody);
  const raw = isRaw(method, binding, schemas);
  const { response: example } = method.examples;
  const value = printable(field && example !== undefined ? memberOf(byFields(method.response, example), field.jsonName) : example);
  const content = (): OpenApiObject => {
    if (raw) return rawContent();
    const schema = field ? schemas.ofField(field, "out") : schemas.ofMessage(method.response, "out");
    return method.kind === "server_streaming" ? stream(schema, value, true) : { [json]: compact({ schema, example: value }) };
  };
  const limited = method.policy.limit.kind === "bucket" ? limitHeaders : [];
  const headers: HeaderName[] = ["RequestId", ...limited];
  if (method.kind === "unary" && shownEtag(method, field)) headers.push("ETag");
  if (method.paging?.totalSize) headers.push("TotalCount");
  if (method.policy.idempotencyKey !== "ignored") headers.push("Replayed");
  const docs = field?.docs || (raw ? "Raw bytes." : response?.docs) || "Done.";
  return {
    "200": { description: plain(docs), headers: headersObject(headers), content: content() },
    ...(isCacheable(method) && shownEtag(method, field) ? { "304": { description: "The caller has it already.", headers: headersObject(["RequestId", "ETag", ...limited]) } } : {}),
  };
}

/** True if the answer is bytes and not JSON. */
function isRaw({ response }: Method, { responseBody }: Binding, schemas: SchemaBuilder): boolean {
  const field = messageNamed(schemas, response)?.fields.find(({ name }) => name === responseBody);
  return (field ? nameOfMessage(field) : response) === httpBody;
}

/** REST gives an ETag for the etag of what it shows. */
function shownEtag({ conditional }: Method, field: Field | undefined): boolean {
  return Boolean(conditional?.responseEtag) && conditional!.responseEtag === (field ? `${field.name}.etag` : "etag");
}

function rawContent(): OpenApiObject {
  return { "*/*": { schema: { type: "string", format: "binary" } } };
}

/** Content of a stream of such items, with an example of one. */
type StreamContent = (schema: Schema, value: Json | undefined, response: boolean) => OpenApiObject;

/** Streams as OpenAPI 3.2 describes them: the schema is that of each item, and an example is the list of them (Media Type Object, sequential media types). */
function items(schema: Schema, value: Json | undefined, response: boolean): OpenApiObject {
  const { description: _, ...item } = schema as Schema & { description?: string };
  if (!response) return { [ndjson]: compact({ itemSchema: item, example: value === undefined ? undefined : [value] }) };
  const failed = { type: "object", required: ["error"], properties: { error: { $ref: "#/components/schemas/Problem" } }, description: "The last line of a stream that failed midway." };
  const text = { type: "string", contentMediaType: json, contentSchema: item };
  return {
    [ndjson]: compact({ itemSchema: { anyOf: [item, failed] }, example: value === undefined ? undefined : [value] }),
    [eventStream]: compact({
      itemSchema: {
        type: "object",
        required: ["data"],
        properties: { data: text, id: { type: "string" }, event: { type: "string", description: "`error` for the last event of a stream that failed midway; its data is a Problem." }, retry: { type: "integer", minimum: 0 } },
      },
      example: value === undefined ? undefined : [{ data: JSON.stringify(value) }],
    }),
  };
}

/** Streams as text: one JSON value a line or, in responses, one event each. */
function lines(schema: Schema, value: Json | undefined, response: boolean): OpenApiObject {
  const text = value === undefined ? undefined : JSON.stringify(value);
  const { description: _, ...item } = schema as Schema & { description?: string };
  const failure = (how: string) => (response ? ` If the stream fails midway, ${how}.` : "");
  const content: OpenApiObject = {
    [ndjson]: compact({
      schema: { type: "string", description: `One JSON value a line.${failure('its last line is `{"error": …}` with a Problem')}`, contentMediaType: ndjson, contentSchema: item },
      example: text && `${text}\n`,
    }),
  };
  if (response) {
    content[eventStream] = compact({
      schema: { type: "string", description: `One JSON value an event.${failure("its last event is `error` with a Problem")}`, contentMediaType: eventStream, contentSchema: item },
      example: text && `data: ${text}\n\n`,
    });
  }
  return content;
}

function policyExtension({ policy, idempotency }: Method): OpenApiObject {
  const { access, limit, audit, idempotencyKey } = policy;
  return {
    access: access.kind === "permission" ? compact({ kind: access.kind, right: access.right, resourceField: access.resourceField, server: access.server || undefined }) : { kind: access.kind },
    limit: limit.kind === "exempt" ? { kind: "exempt" } : compact({ ...limit, accountField: limit.accountField }),
    audit: compact({ ...audit }),
    idempotency: { level: idempotency, key: idempotencyKey },
  };
}

function nameOfMessage({ type, cardinality }: Field): string | undefined {
  return type.kind === "message" && cardinality === "singular" ? type.name : undefined;
}

/** A message with its fields; of google.protobuf too, where a binding names those of a whole request or response. */
function messageNamed(schemas: SchemaBuilder, fullName: string): MessageType | undefined {
  return schemas.message(fullName) ?? wellKnownMessage(fullName);
}

/** The fields along a dotted proto path. */
function stepsTo(schemas: SchemaBuilder, typeName: string, path: string): Field[] {
  const steps: Field[] = [];
  let at: string | undefined = typeName;
  for (const name of path.split(".")) {
    const field: Field | undefined = at === undefined ? undefined : messageNamed(schemas, at)?.fields.find((candidate) => candidate.name === name);
    if (field === undefined) break;
    steps.push(field);
    at = field.type.kind === "message" ? field.type.name : undefined;
  }
  return steps;
}

/** An example that can stand in a document; undefined for one with a member `$ref`, which most tools take for a reference wherever it stands. */
export function printable(example: Json | undefined): Json | undefined {
  const refers = (value: Json): boolean => typeof value === "object" && value !== null && (Object.hasOwn(value, "$ref") || Object.values(value as JsonObject).some(refers));
  return example === undefined || refers(example) ? undefined : example;
}

/** What the example of a request has at a dotted proto path. */
function valueAt({ request, examples: { request: example } }: Method, schemas: SchemaBuilder, path: string): Json | undefined {
  let value: Json | undefined = example === undefined ? undefined : byFields(request, example);
  for (const { jsonName } of stepsTo(schemas, request, path)) value = memberOf(value as JsonObject | undefined, jsonName);
  return value;
}

function omit(example: JsonObject, schemas: SchemaBuilder, typeName: string, paths: readonly string[]): JsonObject {
  const copy = copyOf(example);
  for (const path of paths) {
    const names = stepsTo(schemas, typeName, path).map(({ jsonName }) => jsonName);
    const holder = names.slice(0, -1).reduce<Record<string, Json> | undefined>((at, name) => memberOf(at, name) as Record<string, Json> | undefined, copy);
    if (holder) delete holder[names.at(-1)!];
  }
  return copy;
}

/** The first sentence of a comment, without its full stop. */
export function firstSentence(docs: string): string {
  const [sentence = ""] = docs.split(/(?<=[.!?])\s/);
  return sentence.replaceAll("\n", " ").replace(/\.$/, "");
}
