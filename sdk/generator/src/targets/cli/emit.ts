/** Target `cli`: one command for every RPC, as a table that a command line walks. */
import type { Field, JsonObject, Method, Model, OutputFile, Target } from "../../model.js";
import { kebabCase } from "../kebab-case.js";
import { GeneratorError, type Problem } from "../../errors.js";
import { wellKnownMessage } from "../../well-known.js";
import { tsHeader } from "../mark.js";
import { tsLiteral } from "../ts-literal.js";
import { createNames, type Names } from "../typescript/names.js";
import { mustBeSet } from "../typescript/types.js";
import { descriptorOf, isCallable, needsOf } from "../typescript/services.js";

/** Writes `commands.ts`, and `main.ts`, which runs them. */
export const cliTarget: Target = {
  name: "cli",
  summary: "main.ts: a command line by @parapet/cli; commands.ts: one command for every RPC, with its arguments and flags",
  options: {
    program: "what users type (default: the first part of the package)",
    server: "URL of the server where nobody names another (default: http://localhost:8080)",
    main: "false: commands.ts alone, for a program of your own (default: true)",
  },
  emit: (model, options) => emit(model, options),
};

function emit(model: Model, { program = programOf(model), server = "http://localhost:8080", main = "true" }: Readonly<Record<string, string>>): OutputFile[] {
  const problems: Problem[] = [
    ...(/^[A-Za-z][\w-]*$/.test(program) ? [] : [{ rule: "option-invalid", place: "cli.program", message: `"${program}" is no name of a program: wanted letters, digits and dashes` } as const]),
    ...(main === "true" || main === "false" ? [] : [{ rule: "option-invalid", place: "cli.main", message: `"${main}" is neither true nor false` } as const]),
  ];
  if (problems.length > 0) throw new GeneratorError(problems);
  return [{ path: "commands.ts", content: emitCommands(model) }, ...(main === "true" ? [{ path: "main.ts", content: emitMain(program, server) }] : [])];
}

/** `acme` for `acme.zoo.v1`. */
export function programOf({ services }: Model): string {
  const name = kebabCase(services[0]?.package.split(".")[0] ?? "");
  return /^[A-Za-z]/.test(name) ? name : "api";
}

function emitMain(program: string, server: string): string {
  return `#!/usr/bin/env node
${tsHeader("The command line: one command for every RPC")}import { createProgram, runProcess } from "@parapet/cli";
import { rpcCommands } from "./commands.js";

await runProcess(
  createProgram({
    name: ${JSON.stringify(program)},
    summary: ${JSON.stringify(`Calls every method of ${program}.`)},
    commands: rpcCommands,
    server: ${JSON.stringify(server)},
  }),
);
`;
}

const types = `
/** What a flag takes. \`json\`: a message as protobuf-JSON. \`pairs\`: name=value, more than once. */
export type FlagKind = "text" | "number" | "bool" | "json" | "pairs";

/** A field of the request, as an argument or a flag. */
export interface CommandField {
  /** Without its dashes. */
  readonly flag: string;
  readonly jsonName: string;
  readonly kind: FlagKind;
  /** May be given more than once. */
  readonly repeated?: true;
  /** Values of a map hold lists. */
  readonly lists?: true;
  /** Names of an enum's values. */
  readonly values?: readonly string[];
  /** Never taken from the command line: read from a file or a prompt. */
  readonly secret?: true;
  /** Nothing is called without it. */
  readonly required?: true;
  readonly summary: string;
}

/** The command of one RPC. */
export interface RpcCommand {
  /** Name of the service's group: \`documents\`. */
  readonly group: string;
  /** \`get\`. */
  readonly name: string;
  readonly method: rt.Method;
  readonly summary: string;
  /** What the caller needs, in words. */
  readonly needs: string;
  /** Fields that are given by their place, in this order: those in the path of the RPC's first REST binding, or else what its policy names. */
  readonly positionals: readonly CommandField[];
  /** The request is the one argument itself: its JSON is no object of fields. */
  readonly bare?: true;
  readonly flags: readonly CommandField[];
  /** JSON name of the response's one list of messages; empty: there is none. */
  readonly items: string;
  /** JSON names of what a row of a table shows. */
  readonly columns: readonly string[];
}
`;

function emitCommands(model: Model): string {
  const names = createNames(model, [], new Set());
  const index = indexOf(model);
  const commands = commandsOf(model, names);
  const rows = model.services.flatMap((service) =>
    service.methods.filter(isCallable).map((method) => {
      const facts = commandOf(method, commands.get(method.fullName)!, index);
      // The method's own literal comes from the target that clients are made by, so that both say the same.
      const members = [`method: ${descriptorOf(method, index.message).replaceAll("\n", "\n    ")}`, ...Object.entries(facts).map(([name, value]) => `${name}: ${tsLiteral(value, "    ")}`)];
      return `  {\n${members.map((member) => `    ${member},\n`).join("")}  },\n`;
    }),
  );
  return `${tsHeader("One command for every RPC")}import type * as rt from "@parapet/sdk/runtime";
${types}
/** Every command, services sorted by name, methods in the order of the contract. */
export const rpcCommands: readonly RpcCommand[] = [
${rows.join("")}];
`;
}

interface Index {
  message(name: string): Model["messages"][number] | undefined;
  enum(name: string): Model["enums"][number] | undefined;
}

function indexOf({ messages, enums }: Model): Index {
  const [byMessage, byEnum] = [new Map(messages.map((each) => [each.fullName, each])), new Map(enums.map((each) => [each.fullName, each]))];
  return { message: (name) => byMessage.get(name), enum: (name) => byEnum.get(name) };
}

/** What is typed for each method that can be called, by its full name. */
export function commandsOf(model: Model, names: Names): ReadonlyMap<string, CommandName> {
  const found = new Map<string, CommandName>();
  for (const service of model.services) {
    const group = kebabCase(names.service(service).property);
    const taken = new Set<string>();
    for (const method of service.methods.filter(isCallable)) {
      let name = kebabCase(method.name);
      // Methods may differ in case alone.
      while (taken.has(name)) name += "-";
      taken.add(name);
      found.set(method.fullName, { group, name });
    }
  }
  return found;
}

/** What is typed for a method: the group of its service, and its own name. */
interface CommandName {
  readonly group: string;
  readonly name: string;
}

function commandOf(method: Method, { group, name }: CommandName, index: Index): JsonObject {
  const bare = bareOf(method);
  const fields = (index.message(method.request)?.fields ?? []).filter(({ behaviour }) => !behaviour.includes("output_only"));
  const { access, audit } = method.policy;
  const inPath = (method.bindings[0]?.variables ?? []).map(({ field }) => field);
  const named = [access.kind === "permission" ? access.resourceField : "", audit.keyField];
  const positionals = (inPath.length > 0 ? inPath : [...new Set(named)]).flatMap((name) => fields.filter((field) => field.name === name && !field.redact));
  const taken = new Set<unknown>();
  const flags = [...positionals, ...fields.filter((field) => !positionals.includes(field))].map((field) => {
    const made = flagOf(field, index);
    let flag = made["flag"] as string;
    while (taken.has(flag)) flag += "-";
    taken.add(flag);
    return { ...made, flag };
  });
  const answer = index.message(method.response)?.fields ?? [];
  const lists = answer.filter(({ cardinality, type }) => cardinality === "repeated" && type.kind === "message");
  const items = lists.length === 1 ? lists[0] : undefined;
  const rowFields = items?.type.kind === "message" ? (index.message(items.type.name)?.fields ?? []) : answer;
  return {
    group,
    name,
    summary: firstSentence(method.docs),
    needs: needsOf(method),
    positionals: bare ? [bare] : flags.slice(0, positionals.length),
    ...(bare ? { bare: true } : {}),
    flags: flags.slice(positionals.length),
    items: items?.jsonName ?? "",
    columns: rowFields.filter(isColumn).map(({ jsonName }) => jsonName),
  };
}

/** How a request of google.protobuf is given: as one argument; undefined for others, and where there is nothing to give. */
function bareOf({ request }: Method): JsonObject | undefined {
  const message = wellKnownMessage(request);
  if (!message || message.fields.length === 0) return undefined;
  const [first] = message.fields;
  const isWrapper = first!.name === "value";
  const kind = isWrapper ? kindOf(first!) : asText.has(request) ? "text" : "json";
  return { flag: "value", jsonName: "value", kind, required: true, summary: `The ${request}.` };
}

/** Messages whose protobuf-JSON is a text. */
const asText = new Set(["Timestamp", "Duration", "FieldMask", "StringValue", "BytesValue", "Int64Value", "UInt64Value"].map((name) => `google.protobuf.${name}`));

function isColumn({ cardinality, type, redact }: Field): boolean {
  return cardinality === "singular" && !redact && (type.kind !== "message" || asText.has(type.name));
}

/** What the command line itself takes; a field of such a name gets another. */
const ownFlags = new Set(["all", "columns", "filter", "help", "input", "output", "profile", "request", "server", "timeout"]);

function flagOf(field: Field, index: Index): JsonObject {
  const plain = kebabCase(field.name);
  const values = field.type.kind === "enum" ? (index.enum(field.type.name)?.values ?? []).filter(({ number, alias }) => number !== 0 && !alias).map(({ name }) => name) : [];
  return {
    flag: ownFlags.has(plain) ? `request-${plain}` : plain,
    jsonName: field.jsonName,
    kind: kindOf(field),
    ...(field.cardinality === "singular" ? {} : { repeated: true }),
    ...(field.cardinality === "map" && field.type.kind === "message" && field.type.name === "google.protobuf.ListValue" ? { lists: true } : {}),
    ...(values.length > 0 ? { values } : {}),
    ...(field.redact ? { secret: true } : {}),
    ...(mustBeSet(field) ? { required: true } : {}),
    summary: firstSentence(field.docs),
  };
}

function kindOf({ cardinality, type }: Field): string {
  if (cardinality === "map") return type.kind !== "message" || asText.has(type.name) || type.name === "google.protobuf.ListValue" ? "pairs" : "json";
  if (type.kind === "enum") return "text";
  if (type.kind === "message") return asText.has(type.name) ? "text" : "json";
  if (type.scalar === "bool") return "bool";
  // 64-bit numbers are texts in protobuf-JSON; so is everything that is no number.
  return ["string", "bytes", "int64", "uint64", "sint64", "fixed64", "sfixed64"].includes(type.scalar) ? "text" : "number";
}

function firstSentence(docs: string): string {
  const line = docs.replaceAll("\n", " ");
  return /^.*?[.](?=\s|$)/.exec(line)?.[0] ?? line;
}
