/** One module a service: what the contract says of each method, a function that can be imported alone, and a class of the facade. */
import type { Field, MessageType, Method, Model, Service } from "../../model.js";
import { indexOf } from "../../model-index.js";
import { tsHeader } from "../mark.js";
import { jsdoc } from "./docs.js";
import { relative } from "./modules.js";
import { type Names, property } from "./names.js";
import { isBare, wellKnownMessage } from "../../well-known.js";
import { mustBeSet, wellKnownOf } from "./types.js";

/** Reasons of REST, which calls in Connect JSON never meet. */
const ofRest: readonly string[] = ["QUERY_PARAMETER_UNKNOWN", "CONTENT_TYPE_UNSUPPORTED", "VERB_NOT_ALLOWED"];

/** Reasons of a method beside those of every call. */
export function ownReasons(method: Method): string[] {
  return method.reasons.filter(({ name, from }) => from !== "transport" && !ofRest.includes(name)).map(({ name }) => name);
}

/** Reasons that every call of this layer can meet. */
export function commonReasons(model: Model): string[] {
  const found = model.services.flatMap(({ methods }) => methods).flatMap(({ reasons }) => reasons.filter(({ from }) => from === "transport"));
  return [...new Set(found.map(({ name }) => name))].filter((name) => !ofRest.includes(name)).sort();
}

/** Reasons of all methods that REST has for itself. */
export function reasonsOfRest({ services }: Model): string[] {
  return ofRest.filter((name) => services.some(({ methods }) => methods.some(({ reasons }) => reasons.some((reason) => reason.name === name))));
}

/** What a caller needs, in words. */
export function needsOf({ policy: { access } }: Method): string {
  if (access.kind === "public") return "nothing";
  if (access.kind === "authenticated") return "any principal";
  return `\`${access.right}\` on ${access.resourceField === "" ? "the server" : `the collection in \`${access.resourceField}\``}`;
}

/** True if the default layer can call it. */
export const isCallable = (method: Method): boolean => method.kind !== "bidi_streaming";

/** Looks up messages by full name. */
export type FindMessage = (fullName: string) => MessageType | undefined;

/** Writes the module of one service. */
export function emitService(model: Model, service: Service, names: Names): string {
  const find: FindMessage = (fullName) => indexOf(model).messages.get(fullName);
  const { className, module } = names.service(service);
  const methods = service.methods.filter(isCallable);
  const imports = new Map<string, Set<string>>();
  const refer = (fullName: string, name: string): string => {
    const message = find(fullName);
    if (message === undefined) return wellKnownOf(fullName)!;
    imports.set(message.package, (imports.get(message.package) ?? new Set()).add(name));
    return name;
  };
  const parts = methods.map((method) => {
    const request = `${method.request === "google.protobuf.ListValue" ? "readonly " : ""}${refer(method.request, names.input(method.request))}`;
    const response = refer(method.response, names.type(method.response));
    return { method, ...shapeOf(method, request, response, find, names, refer) };
  });
  const functions = parts.map(({ method, parameters, result, call }) => {
    const { function: name, descriptor, reason } = names.method(method);
    const own = [...ownReasons(method).map((each) => JSON.stringify(each)), "CommonReason"].join(" | ");
    return [
      `/** What the contract says of \`${method.name}\`. */\n`,
      `export const ${descriptor} = ${descriptorOf(method, find)} as const;\n`,
      `\n/** Reasons for which \`${method.name}\` fails. */\nexport type ${reason} = ${own};\n`,
      `\n${docsOf(method, "")}export function ${name}(client: rt.Client, ${parameters}): ${result} {\n  return ${call};\n}\n`,
    ].join("");
  });
  const members = parts.map(({ method, parameters, arguments: args, result }) => {
    const { function: name, member } = names.method(method);
    return `${docsOf(method, "  ")}  ${member}(${parameters}): ${result} {\n    return ${name}(this.#client, ${args});\n  }\n`;
  });
  const types = [...imports].sort(([a], [b]) => (a < b ? -1 : 1)).map(([from, used]) => `import type { ${[...used].sort().join(", ")} } from "${relative(module, names.typesModule(from))}";\n`);
  const runtime = `import ${methods.length === 0 ? "type " : ""}* as rt from "@parapet/sdk/runtime";\n`;
  const start = `${jsdoc([service.docs], { deprecated: service.deprecated })}export class ${className} {\n`;
  // Compilers complain of what nothing uses.
  if (methods.length === 0) return `${tsHeader(`Methods of ${service.fullName}`)}${runtime}\n${start}  /** There is nothing to call. */\n  constructor(_client: rt.Client) {}\n}\n`;
  const head = `${runtime}import type { CommonReason } from "${relative(module, "reasons")}";\n${types.join("")}`;
  const intro = `${start}  readonly #client: rt.Client;\n\n  /** @param client what all calls share */\n  constructor(client: rt.Client) {\n    this.#client = client;\n  }\n\n`;
  return `${tsHeader(`Methods of ${service.fullName}`)}${head}\n${functions.join("\n")}\n${intro}${members.join("\n")}}\n`;
}

/** Writes the table of all methods: for tools and tests, apart from the functions so that they stay small. */
export function emitMethods(model: Model, names: Names): string {
  const services = model.services.map((service) => ({ service, methods: service.methods.filter(isCallable) })).filter(({ methods }) => methods.length > 0);
  const imports = services.map(({ service, methods }) => {
    const used = methods.map((method) => names.method(method).descriptor).sort();
    return `import { ${used.join(", ")} } from "${relative("methods", names.service(service).module)}";\n`;
  });
  const rows = services.flatMap(({ methods }) => methods.map((method) => `  ${JSON.stringify(method.fullName)}: { ...${names.method(method).descriptor}, reasons: ${list(ownReasons(method))} },\n`));
  const common = `/** Reasons that any call can meet. */\nexport const commonReasons: readonly string[] = ${list(commonReasons(model))};\n`;
  const table = `/** Every method by \`package.Service/Method\`, with the reasons of its own. */\nexport const methods: { readonly [name: string]: rt.Method & { readonly reasons: readonly string[] } } = {\n${rows.join("")}};\n`;
  return `${tsHeader("What the contract says of every method")}import type * as rt from "@parapet/sdk/runtime";\n${imports.join("")}\n${common}\n${table}`;
}

/** Writes what layers with descriptors must know beyond these: much smaller than the table of methods, since most methods are like all others. */
export function emitRules(model: Model): string {
  const { messages } = indexOf(model);
  const rows = model.services
    .flatMap(({ methods }) => methods)
    .flatMap((method) => {
      const { access, idempotencyKey, resume } = method.policy;
      const entries = [
        ...(idempotencyKey === "ignored" ? [] : [`key: ${JSON.stringify(idempotencyKey)}`]),
        ...(access.kind === "public" ? [`needs: "nothing"`] : []),
        ...(resume ? [`resume: ${resumeLiteral(method, (name) => messages.get(name))}`] : []),
      ];
      return entries.length === 0 ? [] : [`  ${JSON.stringify(method.fullName)}: { ${entries.join(", ")} },\n`];
    });
  const table = `/** Methods by \`package.Service/Method\` with what their descriptors do not say; those that are like all others are not here. */\nexport const rules: { readonly [name: string]: rt.Rule } = {\n${rows.join("")}};\n`;
  return `${tsHeader("What the contract says of methods beyond their descriptors")}import type * as rt from "@parapet/sdk/runtime";\n\n${table}`;
}

/** Signature and body of a method's function. */
interface Shape {
  readonly parameters: string;
  readonly arguments: string;
  readonly result: string;
  readonly call: string;
}

function shapeOf(method: Method, request: string, response: string, find: FindMessage, names: Names, refer: (fullName: string, name: string) => string): Shape {
  const { descriptor, reason } = names.method(method);
  const finish = method.secretResponse ? ", rt.hideSecrets" : "";
  const isObject = !isBare(method.request) && method.request !== "google.protobuf.Any";
  const optional = isObject && (find(method.request)?.fields ?? []).every((field) => !mustBeSet(field)) && !(find(method.request)?.oneofs ?? []).some(({ required }) => required);
  const parameters = `request: ${request}${optional ? " = {}" : ""}, options?: rt.CallOptions`;
  const args = "request, options";
  if (method.kind === "client_streaming") {
    return {
      parameters: `requests: rt.Messages<${request}>, options?: rt.CallOptions`,
      arguments: "requests, options",
      result: `rt.Call<${response}, ${reason}>`,
      call: `rt.clientStream(client, ${descriptor}, requests, options${finish})`,
    };
  }
  if (method.kind === "server_streaming") {
    return { parameters, arguments: args, result: `rt.ServerStream<${response}>`, call: `rt.serverStream(client, ${descriptor}, request, options${finish})` };
  }
  const items = find(method.response)?.fields.find(({ name }) => name === method.paging?.items);
  if (items) {
    const item = items.type.kind === "message" && find(items.type.name) ? refer(items.type.name, names.type(items.type.name)) : `${response}[${JSON.stringify(items.jsonName)}][number]`;
    return { parameters, arguments: args, result: `rt.Paged<${item}, ${response}, ${reason}>`, call: `rt.paged(client, ${descriptor}, request, options${finish})` };
  }
  return { parameters, arguments: args, result: `rt.Call<${response}, ${reason}>`, call: `rt.unary(client, ${descriptor}, request, options${finish})` };
}

/** What a client must know of a method, as a literal of the runtime's `Method`. */
export function descriptorOf(method: Method, find: FindMessage): string {
  const { access, idempotencyKey, resume } = method.policy;
  const needs =
    access.kind === "public" ? `"nothing"` : access.kind === "authenticated" ? `"principal"` : `{ right: ${JSON.stringify(access.right)}, on: ${JSON.stringify(jsonPath(method.request, access.resourceField, find))} }`;
  const entries: [name: string, literal: string][] = [
    ["name", JSON.stringify(method.fullName)],
    ["kind", JSON.stringify(method.kind)],
    ["idempotency", JSON.stringify(method.idempotency)],
    ["key", JSON.stringify(idempotencyKey)],
    ["needs", needs],
  ];
  if (method.paging) {
    const { pageToken, nextPageToken, items } = method.paging;
    const request = find(method.request)!;
    const first = ofFirstPage(request).map((field) => field.jsonName);
    const literal = { token: jsonName(request, pageToken), next: jsonName(find(method.response)!, nextPageToken), items: jsonName(find(method.response)!, items) };
    const pairs = Object.entries(literal).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
    entries.push(["paging", `{ ${pairs.join(", ")}, first: ${list(first)} }`]);
  }
  if (isBare(method.response)) entries.push(["bare", "true"]);
  if (resume) entries.push(["resume", resumeLiteral(method, find)]);
  if (method.secretResponse) entries.push(["secrets", list(secretNames(method.response, find))]);
  return `{\n${entries.map(([name, literal]) => `  ${property(name)}: ${literal},\n`).join("")}}`;
}

/** Fields that count for the first page only. */
export function ofFirstPage({ fields }: MessageType): Field[] {
  return fields.filter(({ name }) => name === "offset" || name === "skip");
}

function resumeLiteral({ request, response, policy: { resume } }: Method, find: FindMessage): string {
  return `{ request: ${JSON.stringify(jsonName(find(request)!, resume!.request))}, response: ${JSON.stringify(jsonName(find(response)!, resume!.response))} }`;
}

/** Names of fields that hold secrets, at any depth; JSON names unless said otherwise. */
export function secretNames(root: string, find: FindMessage, nameOf = (field: Field): string => field.jsonName): string[] {
  const seen = new Set<string>();
  const names = new Set<string>();
  const visit = (fullName: string): void => {
    if (seen.has(fullName)) return;
    seen.add(fullName);
    for (const field of find(fullName)?.fields ?? []) {
      if (field.redact) names.add(nameOf(field));
      if (field.type.kind === "message") visit(field.type.name);
    }
  };
  visit(root);
  return [...names].sort();
}

/** JSON name of a field. */
export function jsonName(message: MessageType, name: string): string {
  return message.fields.find((field) => field.name === name)?.jsonName ?? name;
}

/** A dotted proto path as a dotted JSON one. */
export function jsonPath(root: string, path: string, find: FindMessage): string {
  let message = find(root) ?? wellKnownMessage(root);
  return path
    .split(".")
    .map((name) => {
      const field: Field | undefined = message?.fields.find((each) => each.name === name);
      message = field?.type.kind === "message" ? find(field.type.name) : undefined;
      return field?.jsonName ?? name;
    })
    .join(".");
}

function docsOf(method: Method, indent: string): string {
  const { limit } = method.policy;
  const own = method.reasons.filter(({ from }) => from === "comment").map(({ name }) => `\`${name}\``);
  const facts = [
    `Needs ${needsOf(method)}.`,
    limit.kind === "bucket" ? `Costs ${limit.cost} of \`${limit.bucket}\`.` : "Not limited.",
    method.policy.resume ? "Goes on behind its last message when the connection broke." : "",
    own.length > 0 ? `Fails with ${own.join(", ")}.` : "",
  ];
  return jsdoc([method.docs, facts.filter((fact) => fact !== "").join(" ")], { deprecated: method.deprecated, indent });
}

/** Strings as a literal. */
export const list = (names: readonly string[]): string => `[${names.map((name) => JSON.stringify(name)).join(", ")}]`;
