/** The bodies of a contract's operations, and what the document says of one. */
import type { Field, MessageType, Model } from "../../sdk/generator/src/model.js";
import { isRequired } from "../../sdk/generator/src/rules.js";
import type { Known, Subject } from "./agreement.js";
import { hasNameTwice, Reader } from "./forms.js";
import { textOf } from "./raw.js";
import type { Bench } from "./schema.js";
import type { Bound, Surface } from "./surface.js";

/** The bodies that have a schema: raw ones have none. */
export function bodiesOf(surface: Surface, bench: Bench): Subject[] {
  const reader = new Reader(surface.model);
  const messages = new Map(surface.model.messages.map((message) => [message.fullName, message]));
  return surface.bound.flatMap((bound): Subject[] => {
    const [type, media] = Object.entries(bound.operation.requestBody?.content ?? {})[0] ?? [];
    if (type === undefined || media === undefined || type === "*/*") return [];
    // Of a stream, one line.
    const schema = type === "application/x-ndjson" ? media.schema.contentSchema! : media.schema;
    const message = messages.get(bound.method.request)!;
    const field = bound.binding.body === "*" ? undefined : message.fields.find(({ name }) => name === bound.binding.body)!;
    const target = targetOf(bound, message, surface.model);
    const captured = bound.binding.variables.map((variable) => variable.field);
    // A body that is one field counts as that field: null, if the field need not be there.
    const whole = field === undefined ? schema : { type: "object", properties: { [field.jsonName]: schema }, required: isRequired(field) ? [field.jsonName] : [] };
    const plain = bench.plain(schema);
    const outline = bench.plain(whole);
    const full = bench.full(whole);
    return [
      {
        operation: bound.operation.operationId,
        part: "body",
        message: message.fullName,
        write: (author) => textOf(field === undefined ? author.message(message.fullName) : author.field(field)),
        request: (body) => ({ verb: bound.binding.verb, target, contentType: type, body }),
        judge(text) {
          const json: unknown = JSON.parse(text);
          const read = reader.message(message.fullName, field === undefined ? json : { [field.jsonName]: json }, captured);
          const unsaid = [...read.unsaid, ...(hasNameTwice(text, json) && !read.unsaid.has("name-twice") ? (["name-twice"] as const) : [])];
          const faults = full(read.json);
          const own: Known[] = faults.length > 0 && outline(read.json).length === 0 ? ["own-keyword"] : [];
          return {
            plain: plain(json).length === 0,
            expected: faults.length === 0 && unsaid.length === 0,
            reasons: [...read.forms, ...unsaid, ...own],
            faults: [...faults.map(({ instancePath, message: fault = "" }) => `${instancePath} ${fault}`), ...unsaid],
          };
        },
      },
    ];
  });
}

/** The path of a binding with the values of its example. */
export function targetOf({ method, binding }: Bound, message: MessageType, model: Model): string {
  const values = new Map<number, string>();
  for (const { field, from, to } of binding.variables) {
    const value = valueAt(method.examples.request, message, field, model);
    const open = binding.parts[to - 1] === "**";
    const parts = to - from === 1 && !open ? [encodeURIComponent(value)] : value.split("/").map(encodeURIComponent);
    for (let at = from; at < to; at++) values.set(at, at === to - 1 && open ? parts.slice(at - from).join("/") : parts[at - from]!);
  }
  const path = binding.parts.map((part, index) => values.get(index) ?? (part.startsWith("*") ? "any" : part)).join("/");
  return `/${path}${binding.action === "" ? "" : `:${binding.action}`}`;
}

function valueAt(example: unknown, message: MessageType, path: string, model: Model): string {
  let value = example;
  let at: MessageType | undefined = message;
  for (const name of path.split(".")) {
    const field: Field = at!.fields.find((each) => each.name === name)!;
    value = (value as Record<string, unknown>)[field.jsonName];
    at = field.type.kind === "message" ? model.messages.find(({ fullName }) => fullName === (field.type as { name: string }).name) : undefined;
  }
  // An example has one member of a oneof; another that stands in a path is a number, or any text.
  return typeof value === "string" ? value : JSON.stringify(value ?? 1);
}
