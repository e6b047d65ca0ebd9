/** The query strings of a contract's operations, and what the document says of one. */
import type { Field, MessageType } from "../../sdk/generator/src/model.js";
import { queryOf, type QueryParameter } from "../../sdk/generator/src/query.js";
import type { Known, Subject } from "./agreement.js";
import { targetOf } from "./bodies.js";
import { type OtherForm, Reader, type Unsaid } from "./forms.js";
import type { Bench } from "./schema.js";
import type { Parameter, Surface } from "./surface.js";

/** Longest query string that is sent: a server bounds the head of a request. */
const targetCharsMax = 6000;

/** The query strings of bindings that have no body; a body beside a query would be judged twice. */
export function queriesOf(surface: Surface, bench: Bench): Subject[] {
  const reader = new Reader(surface.model);
  const messages = new Map(surface.model.messages.map((message) => [message.fullName, message]));
  return surface.bound.flatMap((bound): Subject[] => {
    const { method, binding, operation } = bound;
    if (binding.body !== "") return [];
    const message = messages.get(method.request)!;
    const { parameters } = queryOf((name) => messages.get(name), method.request, binding);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === "query");
    const whole = schemaOf(declared);
    const [plain, full] = [bench.plain(whole), bench.full(whole)];
    const path = targetOf(bound, message, surface.model);
    const isTogether = togetherOf(message, messages);
    return [
      {
        operation: operation.operationId,
        part: "query",
        message: message.fullName,
        write(author) {
          let text = author.query(parameters);
          while (text.length > targetCharsMax) text = author.query(parameters);
          return text;
        },
        request: (query) => ({ verb: binding.verb, target: query === "" ? path : `${path}?${query}` }),
        judge(text) {
          const forms = new Set<OtherForm>();
          const unsaid = new Set<Unsaid>();
          const asItStands: [string, unknown][] = [];
          const asMeant: [string, unknown][] = [];
          for (const [name, values] of grouped(text, parameters, forms)) {
            const parameter = parameters.find((each) => each.name === name);
            if (parameter === undefined) {
              asItStands.push([name, values]);
              asMeant.push([name, values]);
              continue;
            }
            const { field } = parameter;
            if (field.cardinality === "singular" && values.length > 1) unsaid.add("name-twice");
            const given = field.cardinality === "repeated" ? values.map((value) => valueOf(field, value)) : valueOf(field, values[0]!);
            const read = reader.parameter(field, given);
            read.forms.forEach((form) => forms.add(form));
            read.unsaid.forEach((fault) => unsaid.add(fault));
            asItStands.push([name, given]);
            asMeant.push([name, read.json]);
          }
          if (isTogether(new Set(asMeant.map(([name]) => parameters.find((each) => each.name === name)?.path ?? "")))) unsaid.add("together");
          const meant = Object.fromEntries(asMeant);
          const faults = full(meant);
          const own: Known[] = faults.length > 0 && plain(meant).length === 0 ? ["own-keyword"] : [];
          return {
            plain: !forms.has("proto-name") && plain(Object.fromEntries(asItStands)).length === 0,
            expected: faults.length === 0 && unsaid.size === 0,
            reasons: [...forms, ...unsaid, ...own],
            faults: [...faults.map(({ instancePath, message: fault = "", params }) => `${instancePath} ${fault} ${JSON.stringify(params)}`), ...unsaid],
          };
        },
      },
    ];
  });
}

/** All parameters as one object. A parameter that is not declared is refused: by the server's own word, as OpenAPI has none for it. */
function schemaOf(declared: readonly Parameter[]): object {
  return {
    type: "object",
    properties: Object.fromEntries(declared.map(({ name, schema }) => [name, schema])),
    required: declared.filter(({ required }) => required === true).map(({ name }) => name),
    additionalProperties: false,
  };
}

/** Values by name, in the spelling of the document; another spelling is noted. */
function grouped(text: string, parameters: readonly QueryParameter[], forms: Set<OtherForm>): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [given, value] of new URLSearchParams(text)) {
    const byPath = parameters.find(({ path }) => path === given);
    const name = byPath?.name ?? given;
    if (name !== given) forms.add("proto-name");
    found.set(name, [...(found.get(name) ?? []), value]);
  }
  return found;
}

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The text of a parameter as the JSON that its type has: text, wherever it is not plainly something else. */
function valueOf({ type }: Field, text: string): unknown {
  const scalar = type.kind === "scalar" ? type.scalar : type.kind === "message" ? wrapped[type.name.replace("google.protobuf.", "")] : undefined;
  if (type.kind === "enum") return /^(?:0|-?[1-9]\d*)$/.test(text) ? Number(text) : text;
  if (scalar === "bool") return text === "true" ? true : text === "false" ? false : text;
  if (scalar === undefined || scalar === "string" || scalar === "bytes" || scalar.endsWith("64")) return text;
  return jsonNumber.test(text) ? Number(text) : text;
}

const wrapped: Readonly<Record<string, string>> = { BoolValue: "bool", Int32Value: "int32", UInt32Value: "uint32", FloatValue: "float", DoubleValue: "double" };

/** Whether parameters that are there together break what the message says as a whole: a oneof, or fields that a nested message must have. */
function togetherOf(root: MessageType, messages: ReadonlyMap<string, MessageType>): (paths: ReadonlySet<string>) => boolean {
  const broken = (message: MessageType, paths: readonly string[]): boolean => {
    const heads = new Set(paths.map((path) => path.split(".")[0]!));
    if (message.oneofs.some(({ fields }) => fields.filter((name) => heads.has(name)).length > 1)) return true;
    return message.fields.some((field) => {
      const inner = paths.filter((path) => path.startsWith(`${field.name}.`)).map((path) => path.slice(field.name.length + 1));
      if (inner.length === 0 || field.type.kind !== "message") return false;
      const child = messages.get(field.type.name)!;
      const lacking = child.fields.some((each) => (each.rules?.minLen ?? 0) > 0 && !inner.includes(each.name));
      return lacking || broken(child, inner);
    });
  };
  return (paths) => broken(root, [...paths].filter((path) => path !== ""));
}
