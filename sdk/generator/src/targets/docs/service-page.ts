/** The page of one service. */
import type { Method, Model, Service } from "../../model.js";
import { type CallContext, callsOf } from "./calls.js";
import { accessOf, factsOf, reasonsTable } from "./facts.js";
import { fieldsTable, introOf, valuesTable } from "./fields.js";
import { code, fenced, firstSentence, cell, prose, table } from "./markdown.js";
import type { Block, Page } from "./pages.js";

/** Key of the section about refusals that any call can meet. */
export const anyCallKey = "refusals of any call";

/** Writes the page. */
export function servicePage(model: Model, service: Service, path: string, context: CallContext): Page {
  const { types } = context;
  const outer = service.methods.flatMap(({ request, response }) => [request, response]);
  const inner = types.reach(outer);
  return {
    path,
    blocks: [
      { level: 1, title: service.name, key: service.fullName },
      (to) => `${code(service.fullName)} · ${to("all services", "index")} · ${to("all reasons", "reasons")}`,
      () => (service.deprecated ? "**Deprecated.**" : ""),
      () => prose(service.docs),
      (to) =>
        table(
          ["method", "REST", "who may call", "what it does"],
          service.methods.map((method) => [to(method.name, method.fullName), restOf(method), accessOf(method), cell(firstSentence(method.docs))]),
        ),
      ...service.methods.flatMap((method) => methodBlocks(model, method, context)),
      ...(inner.length === 0 ? [] : [{ level: 2, title: "Types" } as const]),
      ...inner.flatMap((type): Block[] => [
        { level: 3, title: type.name, key: type.fullName },
        () => code(type.fullName),
        () => introOf(type),
        (to) => ("fields" in type ? fieldsTable(type, "both", types, to) : valuesTable(type)),
      ]),
    ],
  };
}

/** Main binding of a method, for tables. */
export function restOf({ bindings: [binding] }: Method): string {
  return binding === undefined ? "–" : code(`${binding.verb} ${binding.template}`);
}

function methodBlocks(model: Model, method: Method, context: CallContext): Block[] {
  const { types } = context;
  const names = new Set(method.reasons.filter(({ from }) => from !== "transport").map(({ name }) => name));
  const reasons = model.reasons.filter(({ name }) => names.has(name));
  const answer = method.examples.response;
  return [
    { level: 2, title: method.name, key: method.fullName },
    () => (method.deprecated ? "**Deprecated.**" : ""),
    () => prose(method.docs),
    (to) => table(["", ""], factsOf(method, types, to)),
    { level: 3, title: "Request", key: method.request },
    ...messageBlocks(method.request, "in", context),
    { level: 3, title: "Response", key: method.response },
    ...messageBlocks(method.response, "out", context),
    () => (answer === undefined ? "" : fenced("json", JSON.stringify(answer, null, 2))),
    { level: 3, title: "Refusals" },
    (to) => reasonsTable(reasons, to),
    (to) => `${reasons.length === 0 ? "Only those" : "And those"} that ${to("any call", anyCallKey)} can meet.`,
    { level: 3, title: "Calls" },
    ...callsOf(method, context).flatMap(({ title, block }) => [() => `${title}:`, () => block]),
  ];
}

/** What messages of google.protobuf are in JSON. */
const jsonForms: Readonly<Record<string, string>> = {
  Any: "in JSON an object with its type as `@type`",
  BoolValue: "in JSON true or false",
  BytesValue: "in JSON base64",
  DoubleValue: "in JSON a number, `\"NaN\"`, `\"Infinity\"` or `\"-Infinity\"`",
  Duration: "in JSON seconds as text, such as `\"1.5s\"`",
  FieldMask: "in JSON paths as text, joined by commas",
  FloatValue: "in JSON a number, `\"NaN\"`, `\"Infinity\"` or `\"-Infinity\"`",
  Int32Value: "in JSON a number",
  Int64Value: "in JSON a number as text",
  ListValue: "in JSON a list of anything",
  StringValue: "in JSON text",
  Struct: "in JSON an object of anything",
  Timestamp: "in JSON a moment as text (RFC 3339)",
  UInt32Value: "in JSON a number",
  UInt64Value: "in JSON a number as text",
  Value: "in JSON anything, null too",
};

function messageBlocks(fullName: string, direction: "in" | "out", { types }: CallContext): Block[] {
  const message = types.message(fullName);
  if (message === undefined) return [() => `${code(fullName)}: ${jsonForms[fullName.replace("google.protobuf.", "")] ?? "no fields"}.`];
  return [() => code(fullName), () => introOf(message), (to) => fieldsTable(message, direction, types, to)];
}
