/** What the helpers of the layers beside the default one know of the contract: `responses.ts` for clients of connect-es, `operations.ts` for clients of the REST side. */
import { protoCamelCase, safeObjectProperty } from "@bufbuild/protobuf/reflect";
import type { Binding, Method, Model } from "../../model.js";
import { indexOf } from "../../model-index.js";
import { tsHeader } from "../mark.js";
import { createPathNames, pathOf } from "../openapi/names.js";
import { wellKnownMessage } from "../../well-known.js";
import { relative } from "./modules.js";
import type { Names } from "./names.js";
import { isCallable, jsonName, jsonPath, list, ofFirstPage, reasonsOfRest, secretNames } from "./services.js";
import { plainTypeOf, wellKnownOf } from "./types.js";

const httpBody = "google.api.HttpBody";

/** Writes responses.ts. Messages of protobuf-es carry their full name, so that nothing else need say which method they answer. */
export function emitResponses(model: Model, names: Names): string {
  const { messages } = indexOf(model);
  const imports = createImports("responses");
  const all = model.services.flatMap((service) => service.methods.map((method) => ({ service, method })));
  const called = all.filter(({ method: { kind } }) => kind === "unary" || kind === "client_streaming");
  const listings = new Map<string, { items: string; first: Set<string> }>();
  const reasons = new Map<string, string[]>();
  for (const { service, method } of called) {
    reasons.set(method.response, [...(reasons.get(method.response) ?? []), imports.typeOf(names.service(service).module, names.method(method).reason)]);
    const { paging } = method;
    const fields = [...(messages.get(method.request)?.fields ?? []), ...(messages.get(method.response)?.fields ?? [])];
    // Of a oneof protobuf-es makes another shape.
    if (!paging || fields.some(({ name, oneof }) => oneof !== undefined && [paging.pageToken, paging.nextPageToken].includes(name))) continue;
    const listing = listings.get(method.response) ?? { items: localName(paging.items), first: new Set() };
    for (const name of ofFirstPage(messages.get(method.request)!)) listing.first.add(localName(name.name));
    listings.set(method.response, listing);
  }
  const rows = [...listings].map(([name, { items, first }]) => `  ${JSON.stringify(name)}: { items: ${JSON.stringify(items)}, first: ${list([...first])} },\n`);
  const secrets = all.filter(({ method }) => method.secretResponse).map(({ method }) => [method.response, secretNames(method.response, (name) => messages.get(name), ({ name }) => localName(name))] as const);
  const hidden = [...new Map(secrets)].map(([name, fields]) => `  ${JSON.stringify(name)}: ${list(fields)},\n`);
  const types = [...reasons].map(([name, own]) => `  ${JSON.stringify(name)}: ${own.join(" | ")};\n`);
  return `${tsHeader("What clients of connect-es are told of responses")}import type * as rt from "@parapet/sdk/runtime";
${imports.text()}
/** How responses list, by their full names. */
export const listings = {\n${rows.join("")}} as const;

/** Fields of responses that hold secrets, at any depth, by full names of the responses. */
export const secrets: rt.Secrets = {\n${hidden.join("")}};

/** Reasons for which the methods fail that answer with a response, by its full name. */
export interface ReasonsByResponse {\n${types.join("")}}
`;
}

/** Writes operations.ts: operations by verb and path, as the OpenAPI document has them. */
export function emitOperations(model: Model, names: Names): string {
  const { messages } = indexOf(model);
  const find = (name: string) => messages.get(name);
  const imports = createImports("operations");
  const pathNames = createPathNames();
  const rows: string[] = [];
  const types: string[] = [];
  for (const service of model.services) {
    for (const method of service.methods) {
      for (const binding of method.bindings) {
        const { path } = pathNames(pathOf(binding, (field) => jsonPath(method.request, field, find)));
        const operation = JSON.stringify(`${binding.verb} ${path}`);
        const paging = pagingOf(method, binding, model);
        rows.push(`  ${operation}: { method: ${JSON.stringify(method.fullName)}${paging} },\n`);
        if (!isCallable(method)) continue;
        const message = messageOf(method, binding, model, names, imports.typeOf);
        const reason = imports.typeOf(names.service(service).module, names.method(method).reason);
        types.push(`  ${operation}: { reason: ${reason} | RestReason${message && `; message: ${message}`} };\n`);
      }
    }
  }
  const rest = reasonsOfRest(model).map((name) => JSON.stringify(name)).join(" | ") || "never";
  const runtime = types.some((type) => type.includes("rt.")) ? 'import type * as rt from "@parapet/sdk/runtime";\n' : "";
  return `${tsHeader("What clients of the REST side are told of operations")}${runtime}${imports.text()}
/** Operations by verb and path. */
export const operations = {\n${rows.join("")}} as const;

/** Reasons that calls of the REST side alone can meet. */
export type RestReason = ${rest};

/** Reasons of operations and, of those that stream, their messages. */
export interface OperationTypes {\n${types.join("")}}
`;
}

/** How an operation pages, as an entry of its row; empty where it does not, or where the response on REST is without the token. */
function pagingOf({ paging, request, response }: Method, { body, responseBody }: Binding, model: Model): string {
  const { messages } = indexOf(model);
  if (!paging || responseBody !== "") return "";
  const [asked, answered] = [messages.get(request)!, messages.get(response)!];
  const names = { in: body === "*" ? "body" : "query", token: jsonName(asked, paging.pageToken), next: jsonName(answered, paging.nextPageToken), items: jsonName(answered, paging.items) };
  const pairs = Object.entries(names).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return `, paging: { ${pairs.join(", ")}, first: ${list(ofFirstPage(asked).map((field) => field.jsonName))} }`;
}

/** Type of the messages of a stream as they stand on REST; empty for all else, raw bytes too. */
function messageOf(method: Method, { responseBody }: Binding, model: Model, names: Names, typeOf: (module: string, name: string) => string): string {
  const message = indexOf(model).messages.get(method.response);
  if (method.kind !== "server_streaming") return "";
  if (message === undefined) return knownTypeOf(method.response, responseBody);
  const field = message.fields.find(({ name }) => name === responseBody);
  if ((field?.type.kind === "message" ? field.type.name : message.fullName) === httpBody) return "";
  const type = typeOf(names.typesModule(message.package), names.type(message.fullName));
  return field ? `NonNullable<${type}[${JSON.stringify(field.jsonName)}]>` : type;
}

/** As messageOf, for a message of google.protobuf. */
function knownTypeOf(fullName: string, responseBody: string): string {
  const field = wellKnownMessage(fullName)?.fields.find(({ name }) => name === responseBody);
  return (field ? plainTypeOf(field) : wellKnownOf(fullName)) ?? "";
}

/** Types of other modules, each module imported once as a whole: their names could clash with what stands here. */
function createImports(from: string): { typeOf(module: string, name: string): string; text(): string } {
  const modules = new Map<string, string>();
  return {
    typeOf(module, name) {
      const alias = modules.get(module) ?? `m${modules.size}`;
      modules.set(module, alias);
      return `${alias}.${name}`;
    },
    text: () => [...modules].map(([module, alias]) => `import type * as ${alias} from "${relative(from, module)}";\n`).join(""),
  };
}

/** Name of a field in messages of protobuf-es. */
const localName = (name: string): string => safeObjectProperty(protoCamelCase(name));
