/** Names that the TypeScript target makes: each unique, whatever the contract calls its things. */
import { identifierOf } from "../../events.js";
import type { Method, Model, Service } from "../../model.js";
import { indexOf } from "../../model-index.js";
import { byPrecedence, domainOf, keepersOf } from "../../precedence.js";
import { wordsOf } from "../../words.js";
import { kebabCase } from "../kebab-case.js";

/** Names of one service. */
export interface ServiceNames {
  /** Class of the facade: `Documents`. */
  readonly className: string;
  /** Property of the facade: `documents`. */
  readonly property: string;
  /** Module of its functions, relative to the sources, without extension. */
  readonly module: string;
}

/** Names of one method. */
export interface MethodNames {
  /** The function: `documentsAdd`. */
  readonly function: string;
  /** What the contract says of it: `documentsAddMethod`. */
  readonly descriptor: string;
  /** Union of its reasons: `DocumentsAddReason`. */
  readonly reason: string;
  /** Method of the service's class: `add`. */
  readonly member: string;
}

/** Every name of a generated SDK. */
export interface Names {
  /** Class of the facade: `Parapet`. */
  readonly facade: string;
  /** Type of a message as responses hold it, or of an enum. */
  type(fullName: string): string;
  /** Type of a message as requests take it. */
  input(fullName: string): string;
  service(service: Pick<Service, "fullName">): ServiceNames;
  method(method: Method): MethodNames;
  /** Type of an event: `DocumentUpdatedEvent`. */
  webhook(event: string): string;
  /** Union of all events: `WebhookEvent`. */
  readonly webhooks: string;
  /** Module of a package's types, relative to the sources, without extension. */
  typesModule(packageName: string): string;
}

/** What the runtime exports beside the generated names, and what TypeScript keeps for itself. */
export const reserved: readonly string[] = [
  "AnyMessage", "AttemptEnd", "AttemptStart", "Base64", "Call", "CallOptions", "Client", "ClientOptions", "ClientReason", "Clock", "Code", "Duration",
  "ErrorDetail", "ErrorFacts", "Fetch", "FieldMask", "FieldViolation", "Finish", "Float", "HeadersInput", "Hooks", "Int64", "JsonObject", "JsonValue", "Listing", "Messages", "Method", "Operation",
  "OtherDetail", "Outcome", "Paged", "Pages", "Paging", "ParapetError", "QuotaViolation", "ResponseInfo", "Result", "Resume", "RetryBudgetOptions", "Rule", "Secrets", "ServerStream",
  "Timestamp", "Token", "TokenSource", "UnknownEnum", "Reason", "CommonReason", "base64ToBytes", "bytesToBase64", "clientStream", "combineHooks", "createClient",
  "commonReasons", "hideSecrets", "methods", "paged", "serverStream", "systemClock", "unary", "rt",
  "any", "bigint", "boolean", "never", "null", "number", "object", "string", "symbol", "undefined", "unknown", "void",
  "Array", "Boolean", "Date", "Error", "Function", "JSON", "Map", "Math", "Number", "Object", "Promise", "Proxy", "Reflect", "RegExp", "Set", "String", "Symbol",
  "globalThis", "client", "request", "requests", "options",
];

/** Members of a class that cannot be methods, or would make it something else. */
const reservedMembers = new Set(["constructor", "then", "toJSON", "prototype"]);

/** Makes the names of a model. `inputs` are messages that requests and responses both hold, `types` all messages and enums that get a type. */
export function createNames(model: Model, types: readonly { readonly fullName: string; readonly name: string; readonly package: string }[], inputs: ReadonlySet<string>, facade?: string): Names {
  const taken = new Set(reserved);
  const take = (...candidates: readonly string[]): string => {
    let name = candidates.find((candidate) => !taken.has(candidate)) ?? candidates.at(-1)!;
    while (taken.has(name)) name += "_";
    taken.add(name);
    return name;
  };

  const facadeName = take(facade ?? facadeOf(model), "Api");
  const typeNames = new Map<string, string>();
  // What keeps its name goes first: one that says where it comes from must not take another's.
  const keepers = keepersOf(types, ({ name }) => flat(name));
  for (const isKept of [true, false]) {
    for (const type of types) {
      if (keepers.has(type) !== isKept) continue;
      const { fullName, name, package: from } = type;
      typeNames.set(fullName, take(...(isKept ? [flat(name)] : []), pascal(domainOf(from)) + flat(name), pascal(from) + flat(name)));
    }
  }
  const inputNames = new Map([...inputs].map((fullName) => [fullName, take(`${typeNames.get(fullName)!}Input`)]));

  const services = new Map<string, ServiceNames>();
  const methods = new Map<string, MethodNames>();
  const properties = new Set<string>(reservedMembers).add("client");
  const modules = new Set<string>();
  for (const service of [...model.services].sort(byPrecedence)) {
    const stem = service.name.replace(/(?<=.)Service$/, "");
    const plain = upperFirst(indexOf(model).messages.has(service.package === "" ? stem : `${service.package}.${stem}`) ? plural(stem) : stem);
    const stems = [plain, pascal(domainOf(service.package)) + plain, pascal(service.package) + plain];
    let chosen = stems.find((each) => !properties.has(lowerWord(each))) ?? stems.at(-1)!;
    while (properties.has(lowerWord(chosen))) chosen += "_";
    const property = lowerWord(chosen);
    properties.add(property);
    let module = `${folderOf(service.package)}/${kebabCase(service.name)}`;
    while (modules.has(module)) module += "_";
    modules.add(module);
    services.set(service.fullName, { property, className: take(chosen, `${chosen}Api`), module });
    const members = new Set<string>(reservedMembers);
    for (const method of service.methods) {
      let member = method.localName;
      while (members.has(member)) member += "_";
      members.add(member);
      const name = take(property + upperFirst(method.name));
      methods.set(method.fullName, { function: name, descriptor: take(`${name}Method`), reason: take(`${upperFirst(name)}Reason`), member });
    }
  }

  // Last, so that they rename nothing else.
  const webhooks = new Map(model.webhooks.map(({ event }) => [event, take(`${identifierOf(event)}Event`, `${identifierOf(event)}Webhook`)]));
  const allWebhooks = take("WebhookEvent", "AnyWebhookEvent");

  return {
    facade: facadeName,
    type: (fullName) => typeNames.get(fullName)!,
    input: (fullName) => inputNames.get(fullName) ?? typeNames.get(fullName)!,
    service: ({ fullName }) => services.get(fullName)!,
    method: ({ fullName }) => methods.get(fullName)!,
    webhook: (event) => webhooks.get(event)!,
    webhooks: allWebhooks,
    typesModule: (packageName) => `${folderOf(packageName)}/types`,
  };
}

/** A name in quotes where it is no identifier. */
export function property(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** First letter in upper case. */
export function upperFirst(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** First word in lower case: `httpServer` for `HTTPServer`. */
export function lowerWord(text: string): string {
  const { length } = wordsOf(text)[0] ?? "";
  return text.slice(0, length).toLowerCase() + text.slice(length);
}

/** What all packages share: `Parapet` for `parapet.auth.v1` and `parapet.document.v1`. */
function facadeOf(model: Model): string {
  const [first = "", ...others] = model.services.map((service) => service.package.split(".")[0] ?? "");
  return first !== "" && others.every((other) => other === first) ? pascal(first) : "Api";
}

function plural(noun: string): string {
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return /(s|x|z|ch|sh)$/.test(noun) ? `${noun}es` : `${noun}s`;
}

const flat = (name: string): string => name.split(".").map(upperFirst).join("");
const pascal = (text: string): string => text.split(/[._]/).map(upperFirst).join("");
const folderOf = (packageName: string): string => packageName.replaceAll(".", "/") || "default";
