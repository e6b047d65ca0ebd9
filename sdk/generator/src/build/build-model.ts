/** Builds the model of a contract from its image, and reports everything that is wrong with it at once. */
import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import { GeneratorError } from "../errors.js";
import { type Attempt, ExampleMaker } from "../examples/examples.js";
import type { Image } from "../image.js";
import { isJsonObject } from "../json.js";
import {
  type Binding,
  type Bucket,
  type IdempotencyLevel,
  type MessageType,
  type Method,
  type Model,
  modelVersion,
  type Policy,
  type Service,
} from "../model.js";
import { bindingsOf, checkConflicts, checkQueries } from "./bindings.js";
import { conditionalOf, pagingOf } from "./conventions.js";
import { collectTypes, enumOf, holdsSecret, looksSecret, messageOf } from "./messages.js";
import { addFaults } from "./faulty-rules.js";
import { bucketsOf, policyOf } from "./policy.js";
import { Problems } from "./problems.js";
import { MethodReasons, reasonsOf, splitDocs } from "./reasons.js";
import { docsOf } from "./source.js";
import { webhooksOf } from "./webhooks.js";

const idempotencyLevels: Readonly<Record<Level, IdempotencyLevel>> = {
  [Level.IDEMPOTENCY_UNKNOWN]: "unknown",
  [Level.NO_SIDE_EFFECTS]: "no_side_effects",
  [Level.IDEMPOTENT]: "idempotent",
};

/** What every method of one contract is built from. */
interface Context {
  readonly buckets: readonly Bucket[];
  readonly reasons: MethodReasons;
  readonly message: (name: string) => MessageType | undefined;
  readonly problems: Problems;
}

/** A method before it has examples. */
type Plain = Omit<Method, "examples">;

/** A model that lacks the examples of its methods. They take longer than all else, and each can be made without the others. */
export interface Draft {
  /** Methods of all services. */
  readonly methodCount: number;
  /** Makes the examples of the method at an index. */
  examplesOf(index: number): Attempt;
  /** The model, once the examples of every method are there, in order. `contractHash`: that of the image, unless it was read without. */
  finish(examples: readonly Attempt[], contractHash?: string): Model;
}

/**
 * Builds the model.
 * @throws GeneratorError with every problem of the contract
 */
export function buildModel(image: Image): Model {
  const draft = draftModel(image);
  return draft.finish(Array.from({ length: draft.methodCount }, (_, index) => draft.examplesOf(index)));
}

/**
 * Builds all of the model but the examples.
 * @throws GeneratorError with every problem of the contract
 */
export function draftModel(image: Image): Draft {
  const problems = new Problems();
  const { registry, ownFiles } = image;
  const services = ownFiles.flatMap((file) => file.services).sort((a, b) => (a.typeName < b.typeName ? -1 : 1));
  const methods = services.flatMap((service) => service.methods);
  const types = collectTypes(ownFiles, methods);
  const own = new Set(ownFiles.map((file) => file.name));
  const messages = types.messages.map((desc) => messageOf(desc, own.has(desc.file.name)));
  const enums = types.enums.map((desc) => enumOf(desc, own.has(desc.file.name)));
  const byName = new Map(messages.map((message) => [message.fullName, message]));
  const enumByName = new Map(enums.map((each) => [each.fullName, each]));
  const reasons = reasonsOf(registry.files);
  const context: Context = {
    buckets: bucketsOf(registry.files, problems),
    reasons: new MethodReasons(new Map(reasons.map((reason) => [reason.name, reason]))),
    message: (name) => byName.get(name),
    problems,
  };

  const plain = new Map(methods.map((method) => [method, methodOf(method, context)]));
  checkConflicts(
    methods.map((desc) => ({ desc, bindings: plain.get(desc)?.bindings ?? [] })),
    problems,
  );
  const ownMessages = types.messages.filter((message) => own.has(message.file.name));
  checkSecrets(ownMessages, problems);
  const webhooks = webhooksOf(ownMessages, problems);
  if (problems.list.length > 0) throw new GeneratorError(problems.list);

  const packages = [...new Set(ownFiles.map((file) => file.proto.package))].sort();
  const maker = new ExampleMaker({ message: (name) => byName.get(name), enum: (name) => enumByName.get(name) }, registry);
  return {
    methodCount: methods.length,
    examplesOf: (index) => {
      const { input, output } = methods[index]!;
      const { bindings, policy } = plain.get(methods[index]!)!;
      return maker.make(input, output, bindings, policy.resume?.request);
    },
    finish: (examples, contractHash = image.hash) => {
      const faults = methods.flatMap(({ input, output }, index) => (examples[index]!.fault === undefined ? [] : [{ messages: [input, output], said: examples[index]!.fault }]));
      addFaults(faults, context.message, problems);
      if (problems.list.length > 0) throw new GeneratorError(problems.list);
      const whole = new Map(methods.map((method, index) => [method, { ...plain.get(method)!, examples: examples[index]! }]));
      return {
        version: modelVersion,
        contractHash,
        contractVersion: versionOf(packages),
        packages,
        services: services.map((service): Service => ({
          fullName: service.typeName,
          name: service.name,
          package: service.file.proto.package,
          docs: docsOf(service),
          deprecated: service.deprecated,
          methods: service.methods.map((method) => whole.get(method)!),
        })),
        messages,
        enums,
        buckets: context.buckets,
        reasons,
        webhooks: webhooks.map(({ desc, ...webhook }) => {
          const example = maker.data(desc);
          return { ...webhook, ...(isJsonObject(example) ? { example } : {}) };
        }),
      };
    },
  };
}

/** A method; undefined, with a problem noted, where it has no policy. */
function methodOf(desc: DescMethod, context: Context): Plain | undefined {
  const { problems } = context;
  const policy = policyOf(desc, context.buckets, problems);
  const bindings = bindingsOf(desc, problems);
  checkIdempotency(desc, policy, bindings, problems);
  if (!policy) return undefined;

  const paging = pagingOf(desc, problems);
  const conditional = conditionalOf(desc);
  const secretResponse = holdsSecret(desc.output);
  const { text, names } = splitDocs(docsOf(desc));
  const facts = { policy, bindings, paging, conditional, secretResponse, validated: isValidated(desc.input, context), named: names };
  const method: Plain = {
    fullName: nameOf(desc),
    service: desc.parent.typeName,
    name: desc.name,
    localName: desc.localName,
    kind: desc.methodKind,
    idempotency: idempotencyLevels[desc.idempotency],
    request: desc.input.typeName,
    response: desc.output.typeName,
    docs: text,
    deprecated: desc.deprecated,
    policy,
    bindings,
    reasons: context.reasons.of(desc, facts, problems),
    ...(paging ? { paging } : {}),
    ...(conditional ? { conditional } : {}),
    secretResponse,
  };
  checkQueries(desc, method, context.message, problems);
  return method;
}

/** What may be retried is said by the idempotency level alone; verb and key must not contradict it. */
function checkIdempotency(desc: DescMethod, policy: Policy | undefined, bindings: readonly Binding[], problems: Problems): void {
  const pure = desc.idempotency === Level.NO_SIDE_EFFECTS;
  if (pure && policy && policy.idempotencyKey !== "ignored") {
    problems.add("idempotency-contradicted", desc, `${nameOf(desc)} has no side effects, so an idempotency key means nothing`);
  }
  for (const { verb, template } of bindings) {
    if (!pure && verb === "GET") {
      problems.add("idempotency-contradicted", desc, `${nameOf(desc)} is bound to GET ${template}, but is not declared NO_SIDE_EFFECTS`);
    }
    if (pure && (verb === "PUT" || verb === "DELETE" || verb === "PATCH")) {
      problems.add("idempotency-contradicted", desc, `${nameOf(desc)} is declared NO_SIDE_EFFECTS, but is bound to ${verb} ${template}`);
    }
  }
}

/** A secret that is not marked ends up in logs and audit records. */
function checkSecrets(messages: readonly DescMessage[], problems: Problems): void {
  for (const field of messages.flatMap((message) => message.fields)) {
    if (looksSecret(field)) problems.add("secret-exposed", field, `${field.parent.typeName}.${field.name} looks like a secret: mark it debug_redact = true`);
  }
}

function isValidated(desc: DescMessage, { message }: Context, seen: Set<string> = new Set()): boolean {
  const found = message(desc.typeName);
  if (found === undefined || seen.has(desc.typeName)) return false;
  seen.add(desc.typeName);
  return (
    found.cel.length > 0 ||
    found.choices !== undefined ||
    found.oneofs.some(({ required }) => required) ||
    found.fields.some(({ rules }) => rules !== undefined) ||
    desc.fields.some((field) => field.message !== undefined && isValidated(field.message, { message } as Context, seen))
  );
}

/** The last part of the packages' names where they agree, else the highest one. */
function versionOf(packages: readonly string[]): string {
  const versions = packages.map((name) => name.slice(name.lastIndexOf(".") + 1)).filter((part) => /^v\d/.test(part));
  return versions.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1) ?? "v1";
}

function nameOf(desc: DescMethod): string {
  return `${desc.parent.typeName}/${desc.name}`;
}
