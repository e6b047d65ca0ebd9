/** Reads the REST bindings of an RPC into the model, and says what HTTP cannot carry. */
import type { DescMethod } from "@bufbuild/protobuf";
import { http } from "@parapet/contract/google/api/annotations_pb";
import type { HttpRule } from "@parapet/contract/google/api/http_pb";
import { conflict, parseTemplate, type PathSet, pathSetOf } from "../http-template.js";
import type { Binding, MessageType, Method, Verb } from "../model.js";
import { PathTree } from "../path-tree.js";
import { fitsText, queryOf } from "../query.js";
import { resolveField } from "./field-path.js";
import { fieldOf, wellKnownTypes } from "./messages.js";
import { optionOf } from "./options.js";
import type { Problems } from "./problems.js";

const verbs: Readonly<Partial<Record<string, Verb>>> = { get: "GET", put: "PUT", post: "POST", delete: "DELETE", patch: "PATCH" };
/** Verbs whose requests have no body that everybody agrees on (RFC 9110 9.3). */
const bodiless: ReadonlySet<Verb> = new Set(["GET", "DELETE"]);

/** The bindings of a method, the main one first. Those with a problem are left out, their problem noted. */
export function bindingsOf(method: DescMethod, problems: Problems): Binding[] {
  const rule = optionOf(method, http);
  if (rule === undefined) return [];
  for (const additional of rule.additionalBindings) {
    if (additional.additionalBindings.length > 0) {
      problems.add("template-invalid", method, `${nameOf(method)}: an additional binding has additional bindings itself`);
    }
  }
  return [rule, ...rule.additionalBindings].flatMap((each) => bindingOf(method, each, problems) ?? []);
}

function bindingOf(method: DescMethod, rule: HttpRule, problems: Problems): Binding | undefined {
  const { pattern, body, responseBody } = rule;
  const verb = verbs[pattern.case ?? ""];
  if (verb === undefined) {
    const given = pattern.case === "custom" ? `the custom verb ${pattern.value.kind}` : "no verb";
    problems.add("verb-unsupported", method, `${nameOf(method)} is bound with ${given}; use get, put, post, delete or patch`);
    return undefined;
  }
  const parsed = parseTemplate(pattern.value as string);
  if ("fault" in parsed) {
    problems.add("template-invalid", method, `${nameOf(method)}: ${parsed.fault}`);
    return undefined;
  }
  const binding: Binding = { verb, ...parsed, body, responseBody };
  checkVariables(method, binding, problems);
  checkBodies(method, binding, problems);
  checkStream(method, binding, problems);
  return binding;
}

function checkVariables(method: DescMethod, { variables, template }: Binding, problems: Problems): void {
  for (const { field: path } of variables) {
    const found = resolveField(method.input, path);
    if ("fault" in found) {
      problems.add("field-unknown", method, `${nameOf(method)}: variable of "${template}": ${found.fault}`);
      continue;
    }
    const within = found.steps.slice(0, -1).find(({ message }) => message !== undefined && wellKnownTypes.has(message.typeName));
    if (within) {
      problems.add("field-type", method, `${nameOf(method)}: variable "${path}" of "${template}" is a part of a ${within.message!.typeName}, which has a JSON form of its own`);
      continue;
    }
    const field = fieldOf(found.field);
    if (field.cardinality !== "singular" || !fitsText(field)) {
      problems.add("field-type", method, `${nameOf(method)}: variable "${path}" of "${template}" is not a single value`);
    }
  }
}

function checkBodies(method: DescMethod, { verb, template, body, responseBody }: Binding, problems: Problems): void {
  const where = `${nameOf(method)}: ${verb} ${template}`;
  if (body !== "" && bodiless.has(verb)) problems.add("body-invalid", method, `${where} has body "${body}", but ${verb} carries none`);
  if (body !== "" && body !== "*" && method.input.fields.every(({ name }) => name !== body)) {
    problems.add("body-invalid", method, `${where} has body "${body}", which names no field of ${method.input.typeName}`);
  }
  if (responseBody !== "" && method.output.fields.every(({ name }) => name !== responseBody)) {
    problems.add("body-invalid", method, `${where} has response_body "${responseBody}", which names no field of ${method.output.typeName}`);
  }
}

function checkStream(method: DescMethod, { verb, template, body }: Binding, problems: Problems): void {
  if (method.methodKind === "bidi_streaming") {
    problems.add("stream-binding", method, `${nameOf(method)} streams both ways, which REST cannot carry: remove google.api.http`);
  } else if (method.methodKind === "client_streaming" && body === "") {
    problems.add("stream-binding", method, `${nameOf(method)} streams its requests, so ${verb} ${template} needs a body`);
  }
}

/**
 * Notes request fields that no binding of their method can carry: those that fit no query string, where no other
 * binding takes them in its body or path.
 */
export function checkQueries(method: DescMethod, model: Pick<Method, "bindings" | "request">, message: (name: string) => MessageType | undefined, problems: Problems): void {
  const queries = model.bindings.map((binding) => ({ binding, unfit: queryOf(message, model.request, binding).unfit }));
  for (const { binding, unfit } of queries) {
    for (const { path, why } of unfit) {
      const elsewhere = queries.some((other) => other.binding !== binding && other.unfit.every((field) => field.path !== path));
      if (elsewhere) continue;
      problems.add(
        "query-invalid",
        method,
        `${nameOf(method)}: "${path}" ${why}, so ${binding.verb} ${binding.template} cannot take it from the query string: put it in the body, or add a binding that does`,
      );
    }
  }
}

/** Notes pairs of bindings that can match the same request, where neither is the more special one. */
export function checkConflicts(methods: readonly { readonly desc: DescMethod; readonly bindings: readonly Binding[] }[], problems: Problems): void {
  const before = new Map<Verb, PathTree<{ readonly desc: DescMethod; readonly binding: Binding; readonly paths: PathSet }>>();
  for (const { desc, bindings } of methods) {
    for (const binding of bindings) {
      const route = { desc, binding, paths: pathSetOf(binding) };
      const others = before.get(binding.verb) ?? new PathTree();
      before.set(binding.verb, others);
      for (const other of others.overlapping(route.paths)) {
        if (!conflict(other.paths, route.paths)) continue;
        problems.add(
          "route-conflict",
          desc,
          `${binding.verb} ${binding.template} of ${nameOf(desc)} and ${other.binding.template} of ${nameOf(other.desc)} match the same paths`,
        );
      }
      others.add(route.paths, route);
    }
  }
}

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}
