/** What a contract may leave open, but should not: rules beyond those without which nothing can be generated. */
import { type DescMessage, type DescMethod, isFieldSet } from "@bufbuild/protobuf";
import { MethodOptionsSchema } from "@bufbuild/protobuf/wkt";
import { buildModel } from "../build/build-model.js";
import { placeOf } from "../build/source.js";
import type { Problem } from "../errors.js";
import type { Image } from "../image.js";
import type { Method, Model, Webhook } from "../model.js";
import { indexOf } from "../model-index.js";

/** A rule: what is wrong with a method, in words; undefined: nothing. */
interface LintRule {
  readonly rule: Extract<Problem["rule"], "idempotency-missing" | "paging-missing" | "retry-unsafe">;
  readonly fault: (method: Method, model: Model, desc: DescMethod) => string | undefined;
}

const listName = /^(?:List|Search|Query|Find)(?:[A-Z]|$)/;

const rules: readonly LintRule[] = [
  {
    rule: "idempotency-missing",
    // Not to be repeated is an answer too: `idempotency_level = IDEMPOTENCY_UNKNOWN`, written down.
    fault: ({ policy }, _, { proto: { options } }) =>
      policy.idempotencyKey === "ignored" && policy.access.kind !== "public" && !(options && isFieldSet(options, MethodOptionsSchema.field.idempotencyLevel))
        ? "says neither an idempotency_level nor whether it takes an idempotency key, so no client can know whether to retry it"
        : undefined,
  },
  {
    rule: "retry-unsafe",
    fault: ({ idempotency, policy, bindings }) =>
      idempotency === "unknown" && policy.idempotencyKey === "ignored" && bindings.some(({ verb }) => verb === "PUT" || verb === "DELETE")
        ? "is bound to PUT or DELETE, which HTTP lets everybody repeat (RFC 9110 9.2.2), but is not declared IDEMPOTENT"
        : undefined,
  },
  {
    rule: "paging-missing",
    fault: ({ name, kind, paging, response }, model) => {
      if (kind !== "unary" || paging !== undefined || !listName.test(name)) return undefined;
      const items = indexOf(model).messages.get(response)?.fields.find(({ cardinality, type }) => cardinality === "repeated" && type.kind === "message");
      return items && `lists ${items.name} without page_token and next_page_token (AIP-158)`;
    },
  },
];

/** Two words or more in snake case: what it is about, and what happened to it. */
const eventForm = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/;

function webhookProblems({ registry }: Image, { event, payload }: Webhook): Problem[] {
  if (eventForm.test(event)) return [];
  return [{ rule: "webhook-name", place: placeOf(registry.getMessage(payload)!), message: `${event} is no event's name in snake case, such as document.updated` }];
}

/** JSON names that break programs of others, with what they do. */
const takenNames: Readonly<Record<string, string>> = {
  $ref: "the OpenAPI document shows no examples of it, since most tools would take them for references",
  constructor: "orval makes no client of the OpenAPI document",
  hasOwnProperty: "openapi-typescript and Redocly do not read the OpenAPI document",
  valueOf: "openapi-typescript does not read the OpenAPI document",
};

/** Fields of such names. The SDK and the server know them as any other. */
function takenIn({ ownFiles }: Image, model: Model): Problem[] {
  const onRest = model.services.flatMap(({ methods }) => methods.flatMap(({ bindings, request, response }) => (bindings.length > 0 ? [request, response] : [])));
  const { messages } = indexOf(model);
  const reached = new Set<string>();
  const visit = (name: string): void => {
    if (reached.has(name)) return;
    reached.add(name);
    for (const { type } of messages.get(name)?.fields ?? []) if (type.kind === "message") visit(type.name);
  };
  for (const name of [...onRest, ...model.webhooks.map(({ payload }) => payload)]) visit(name);
  const within = (message: DescMessage): DescMessage[] => [message, ...message.nestedMessages.flatMap(within)];
  return ownFiles
    .flatMap((file) => file.messages.flatMap(within))
    .filter(({ typeName }) => reached.has(typeName))
    .flatMap(({ typeName, fields }) => fields.filter(({ jsonName }) => Object.hasOwn(takenNames, jsonName)).map((field) => ({ field, typeName })))
    .map(({ field, typeName }) => ({ rule: "json-name-taken", place: placeOf(field), message: `${typeName}.${field.name} is "${field.jsonName}" in JSON: ${takenNames[field.jsonName]}` }));
}

/**
 * Everything that a linter has to say of a contract, sorted by place. What stops the generator stops the linter as well.
 * @throws GeneratorError as `buildModel` does
 */
export function lint(image: Image): Problem[] {
  const model = buildModel(image);
  const found = model.services.flatMap(({ fullName, methods }) =>
    methods.flatMap((method) =>
      rules.flatMap(({ rule, fault }): Problem[] => {
        const desc = image.registry.getService(fullName)!.methods.find(({ name }) => name === method.name)!;
        const said = fault(method, model, desc);
        return said === undefined ? [] : [{ rule, place: placeOf(desc), message: `${method.fullName} ${said}` }];
      }),
    ),
  );
  found.push(...model.webhooks.flatMap((webhook) => webhookProblems(image, webhook)));
  return [...found, ...takenIn(image, model)].sort((a, b) => a.place.localeCompare(b.place, "en", { numeric: true }));
}
