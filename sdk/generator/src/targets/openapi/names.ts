/** Names in the document: components, operations, paths, path parameters. */
import { keepersOf } from "../../precedence.js";
import type { Binding, EnumType, MessageType, Method, Model } from "../../model.js";

/** Names of components that the document has of its own, and of parameters: client generators make types of both. */
const reserved = new Set(["Problem", "Violation"]);
/** Types that every TypeScript has: a client generator that makes a type of the same name breaks its own use of it. */
const builtins: ReadonlySet<string> = new Set(
  ["Array", "ArrayBuffer", "Blob", "Boolean", "Date", "Error", "Exclude", "Extract", "File", "FormData", "Function", "Headers", "Map", "NonNullable", "Number", "Object", "Omit", "Parameters", "Partial", "Pick", "Promise", "Readonly", "Record", "Request", "RequestInit", "Required", "Response", "ReturnType", "Set", "String", "Symbol", "URL"],
);
const reservedByWebhooks = new Set(["WebhookId", "WebhookTimestamp", "WebhookSignature"]);

/** Component names by full type name: the short name for what keeps it (`keepersOf`), else the full one. */
export function componentNames(model: Model): ReadonlyMap<string, string> {
  const types: readonly (MessageType | EnumType)[] = [...model.messages, ...model.enums];
  const keepers = keepersOf(types);
  const names = new Set(types.map(({ name }) => name));
  const isTaken = (name: string): boolean => reserved.has(name) || builtins.has(name) || (model.webhooks.length > 0 && reservedByWebhooks.has(name)) || (name.endsWith("Input") && names.has(name.slice(0, -"Input".length)));
  return new Map(types.map((type) => [type.fullName, !keepers.has(type) || isTaken(type.name) ? type.fullName : type.name]));
}

/** Tags by full name of their services: the short name for what keeps it (`keepersOf`), else the full one. */
export function tagNames({ services }: Model): ReadonlyMap<string, string> {
  const keepers = keepersOf(services);
  return new Map(services.map((service) => [service.fullName, keepers.has(service) ? service.name : service.fullName]));
}

const keepers = new WeakMap<Model, ReadonlySet<string>>();

/** Full names of the services that keep their name. */
function keepersIn(model: Model): ReadonlySet<string> {
  const known = keepers.get(model) ?? new Set([...keepersOf(model.services)].map(({ fullName }) => fullName));
  keepers.set(model, known);
  return known;
}

/**
 * The operationId of a binding. The main one is `Service_Method`, an additional one names its verb and path as well, so
 * that an id does not depend on the order of bindings. A service name that another service keeps (`keepersOf`) is followed by its package.
 */
export function operationId(model: Model, method: Method, binding: Binding): string {
  const [service] = method.service.split(".").slice(-1);
  const suffix = keepersIn(model).has(method.service) ? "" : `_${method.service.split(".").slice(0, -1).join("_")}`;
  const id = `${service}_${method.name}${suffix}`;
  if (binding === method.bindings[0]) return id;
  const words = `${binding.template}`.split(/[^A-Za-z0-9]+/).filter(Boolean);
  return `${id}_${binding.verb.toLowerCase()}${words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("")}`;
}

/** A parameter in a path. */
export interface PathParameter {
  /** As it stands between braces. */
  readonly name: string;
  /** Dotted proto path of the field that it is, or is a part of; empty for a wildcard that no variable captures. */
  readonly field: string;
  /** The text around it, where it is only a part of its field's value: `projects/` and `/items`. */
  readonly within: string;
  /** True for `**`: its value may hold slashes. */
  readonly multi: boolean;
}

/** A path as OpenAPI writes it. */
export interface PathItem {
  readonly path: string;
  readonly parameters: readonly PathParameter[];
}

/** The path of a binding. `jsonName` turns a dotted proto path into a dotted JSON one. */
export function pathOf(binding: Binding, jsonName: (field: string) => string): PathItem {
  const parameters: PathParameter[] = [];
  const parts = binding.parts.map((part, index) => {
    if (!part.startsWith("*")) return part;
    const variable = binding.variables.find(({ from, to }) => from <= index && index < to);
    const parameter = variable ? partOf(binding, variable, index, jsonName) : { name: `segment${index + 1}`, field: "", within: "", multi: part === "**" };
    parameters.push(parameter);
    return `{${parameter.name}}`;
  });
  return { path: `/${parts.join("/")}${binding.action ? `:${binding.action}` : ""}`, parameters };
}

/** Makes a namer of paths: those that differ only in the names of their parameters are one, with the names of the first. */
export function createPathNames(): (named: PathItem) => PathItem {
  const items = new Map<string, PathItem>();
  return (named) => {
    const key = named.path.replace(/\{[^}]*\}/g, "{}");
    const first = items.get(key) ?? named;
    items.set(key, first);
    return { path: first.path, parameters: named.parameters.map((parameter, index) => ({ ...parameter, name: first.parameters[index]!.name })) };
  };
}

function partOf(binding: Binding, { field, from, to }: Binding["variables"][number], index: number, jsonName: (field: string) => string): PathParameter {
  const parts = binding.parts.slice(from, to);
  const wildcards = parts.flatMap((part, at) => (part.startsWith("*") ? [from + at] : []));
  const name = jsonName(field);
  return {
    name: wildcards.length > 1 ? `${name}${wildcards.indexOf(index) + 1}` : name,
    field,
    within: parts.length > 1 ? parts.join("/") : "",
    multi: binding.parts[index] === "**",
  };
}
