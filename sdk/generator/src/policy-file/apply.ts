/** Puts what a policy file says onto the protos that it speaks of, as if they were annotated so. */
import { create, getExtension, hasExtension, setExtension } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileOptionsSchema,
  type MethodDescriptorProto,
  MethodOptions_IdempotencyLevel as IdempotencyLevel,
  MessageOptionsSchema,
  MethodOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { file_google_api_annotations as httpFile, http as httpOption } from "@parapet/contract/google/api/annotations_pb";
import {
  AuditSchema,
  field as fieldOption,
  file as fileOption,
  file_parapet_policy_v1_policy as policyFile,
  type MessagePolicy,
  MessagePolicySchema,
  message as messageOption,
  type MethodPolicy,
  MethodPolicySchema,
  method as methodOption,
  type Webhook,
} from "@parapet/contract/parapet/policy/v1/policy_pb";
import { GeneratorError, type Problem, type ProblemRule } from "../errors.js";
import { importing } from "./importing.js";
import type { FieldEntry, MethodEntry, PolicyFile } from "./read.js";
import { wordsOf } from "../words.js";

/** A method of an own file. */
interface Found {
  /** `package.Service/Method`. */
  readonly name: string;
  readonly service: string;
  readonly proto: MethodDescriptorProto;
  readonly file: FileDescriptorProto;
}

/**
 * Applies a policy file to the own files among `files`, which change. Returns all files, with those that the annotations need.
 * @throws GeneratorError for names that do not exist, and for what a proto says already
 */
export function applyPolicyFile(files: readonly FileDescriptorProto[], own: ReadonlySet<string>, policy: PolicyFile): FileDescriptorProto[] {
  const ownFiles = files.filter(({ name }) => own.has(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const methods = ownFiles.flatMap(methodsOf);
  const problems: Problem[] = [];
  const fault = (rule: ProblemRule, place: string, message: string): void => void problems.push({ rule, place, message });

  for (const { pattern, place } of policy.methods) {
    if (methods.every(({ name }) => !matches(pattern, name))) fault("policy-file-unmatched", place, unmatched(pattern, methods));
  }
  const changed = new Map<FileDescriptorProto, Set<typeof policyFile>>();
  const note = (file: FileDescriptorProto, needed: typeof policyFile): void => void changed.set(file, (changed.get(file) ?? new Set()).add(needed));
  for (const method of methods) {
    const entries = entriesFor(policy, method.name);
    if (entries.length === 0) continue;
    if (annotate(method, entries, fault)) note(method.file, policyFile);
    if (bind(method, entries)) note(method.file, httpFile);
  }
  for (const entry of policy.methods) {
    const matched = methods.filter(({ name }) => matches(entry.pattern, name));
    for (const member of memberNames) {
      if (entry[member] === undefined || matched.length === 0 || matched.some(({ name }) => speaks(entry, member, entriesFor(policy, name)))) continue;
      fault("policy-file-unmatched", entry.place, `${member} of "${entry.pattern}" counts nowhere: for every method that it names an entry behind it, or a full name, says it again`);
    }
  }
  const messages = ownFiles.flatMap(messagesOf);
  for (const entry of policy.fields) {
    const found = fieldNamed(messages, entry.name);
    if (found === undefined) fault("policy-file-unmatched", entry.place, `no field "${entry.name}" in the files that are the contract; write package.Message.field`);
    else if (mark(found.field, entry)) note(found.file, policyFile);
  }
  const posted = new Set(messages.flatMap(({ proto }) => messagePolicyOf(proto).webhooks.map(({ event }) => event)));
  for (const { payload, place, webhook } of policy.webhooks) {
    const found = messages.find(({ name }) => name === payload);
    if (found === undefined) fault("policy-file-unmatched", place, `no message "${payload}" in the files that are the contract; write package.Message`);
    else if (posted.has(webhook.event)) fault("policy-file-conflict", place, `the event "${webhook.event}" is declared in a proto, which this would repeat`);
    else {
      post(found.proto, webhook);
      note(found.file, policyFile);
    }
  }
  // The names are one contract's, so one file of it declares them all.
  const first = ownFiles.find(({ service }) => service.length > 0);
  if (first !== undefined && policy.buckets.length > 0) {
    first.options ??= create(FileOptionsSchema);
    const declared = getExtension(first.options, fileOption);
    setExtension(first.options, fileOption, { ...declared, buckets: [...declared.buckets, ...policy.buckets] });
    note(first, policyFile);
  }
  if (problems.length > 0) throw new GeneratorError(problems);
  return importing(files, changed);
}

function methodsOf(file: FileDescriptorProto): Found[] {
  return file.service.flatMap((service) =>
    service.method.map((proto) => ({ name: `${file.package === "" ? "" : `${file.package}.`}${service.name}/${proto.name}`, service: service.name, proto, file })),
  );
}

/** In a pattern `*` stands for any run of characters; one without it is a full name. */
function matches(pattern: string, name: string): boolean {
  return new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`).test(name);
}

function isExact({ pattern }: Pick<MethodEntry, "pattern">): boolean {
  return !pattern.includes("*");
}

/** What is said of a method, the strongest last: a later pattern goes over an earlier one, a full name over every pattern. */
function entriesFor({ methods }: PolicyFile, name: string): MethodEntry[] {
  return methods.filter(({ pattern }) => matches(pattern, name)).sort((a, b) => Number(isExact(a)) - Number(isExact(b)));
}

const memberNames = ["access", "limit", "audit", "idempotencyKey", "idempotencyLevel", "http"] as const;
const auditNames = ["action", "resource", "level", "keyField"] as const;

/** True if what an entry says of a method counts: no stronger one says it again. */
function speaks(entry: MethodEntry, member: (typeof memberNames)[number], entries: readonly MethodEntry[]): boolean {
  const stronger = entries.slice(entries.indexOf(entry) + 1);
  if (member !== "audit") return stronger.every((other) => other[member] === undefined);
  return auditNames.some((name) => entry.audit?.[name] && stronger.every(({ audit }) => !audit?.[name]));
}

function unmatched(pattern: string, methods: readonly Found[]): string {
  const service = pattern.replace(/\/.*$/, "/");
  const near = methods.filter(({ name }) => name.startsWith(service)).map(({ name }) => name.slice(service.length));
  if (near.length > 0) return `no method "${pattern}"; ${service.slice(0, -1)} has ${near.join(", ")}`;
  const services = [...new Set(methods.map(({ name }) => name.replace(/\/.*$/, "")))];
  return `no method "${pattern}"; services of this contract: ${services.join(", ") || "none"}`;
}

/** Sets the policy and the idempotency level of a method, where its proto leaves them open. True if it did. */
function annotate({ name, service, proto }: Found, entries: readonly MethodEntry[], fault: (rule: ProblemRule, place: string, message: string) => void): boolean {
  const options = proto.options ?? create(MethodOptionsSchema);
  const policy = policyOf(entries, { service, method: proto.name });
  const level = entries.findLast(({ idempotencyLevel }) => idempotencyLevel !== undefined)?.idempotencyLevel;
  const exact = entries.find(isExact);
  const isStated = hasExtension(options, methodOption);
  if (isStated && exact !== undefined && policyOf([exact], { service, method: proto.name }) !== undefined) {
    fault("policy-file-conflict", exact.place, `${name} has a policy in its proto, which this would replace`);
  }
  const isLevelStated = options.idempotencyLevel !== IdempotencyLevel.IDEMPOTENCY_UNKNOWN;
  if (isLevelStated && exact?.idempotencyLevel !== undefined && exact.idempotencyLevel !== options.idempotencyLevel) {
    fault("policy-file-conflict", exact.place, `${name} is declared ${IdempotencyLevel[options.idempotencyLevel]} in its proto, which this would replace`);
  }
  if (policy !== undefined && !isStated) setExtension(options, methodOption, policy);
  if (level !== undefined && !isLevelStated) options.idempotencyLevel = level;
  proto.options = options;
  return policy !== undefined && !isStated;
}

/** The policy that entries say together, the strongest one last: each part is taken whole, but the audit member by member. */
function policyOf(entries: readonly MethodEntry[], names: { readonly service: string; readonly method: string }): MethodPolicy | undefined {
  const policy = create(MethodPolicySchema);
  let isSaid = false;
  for (const { access, limit, audit, idempotencyKey } of entries) {
    isSaid ||= access !== undefined || limit !== undefined || audit !== undefined || idempotencyKey !== undefined;
    policy.access = access ?? policy.access;
    policy.limit = limit ?? policy.limit;
    policy.idempotencyKey = idempotencyKey ?? policy.idempotencyKey;
    if (audit === undefined) continue;
    const under = policy.audit ?? create(AuditSchema);
    policy.audit = create(AuditSchema, {
      action: audit.action || under.action,
      resource: audit.resource || under.resource,
      level: audit.level || under.level,
      keyField: audit.keyField || under.keyField,
    });
  }
  if (policy.audit !== undefined) {
    policy.audit.action = policy.audit.action.replace(/\{(service|method)\}/g, (_match, which: "service" | "method") => snakeCase(names[which]));
  }
  return isSaid ? policy : undefined;
}

function snakeCase(name: string): string {
  return wordsOf(name).join("_") || name;
}

/** Sets or removes the REST bindings of a method. True if it has some now because of that. */
function bind({ proto }: Found, entries: readonly MethodEntry[]): boolean {
  const http = entries.find(isExact)?.http;
  if (http === undefined) return false;
  const options = (proto.options ??= create(MethodOptionsSchema));
  options.$unknown = options.$unknown?.filter(({ no }) => no !== httpOption.number);
  if (http !== null) setExtension(options, httpOption, http);
  return http !== null;
}

/** A message of an own file. */
interface FoundMessage {
  /** `package.Message`. */
  readonly name: string;
  readonly proto: DescriptorProto;
  readonly file: FileDescriptorProto;
}

function messagesOf(file: FileDescriptorProto): FoundMessage[] {
  const within = (prefix: string, messages: readonly DescriptorProto[]): FoundMessage[] =>
    messages.flatMap((proto) => {
      const name = prefix === "" ? proto.name : `${prefix}.${proto.name}`;
      return [{ name, proto, file }, ...within(name, proto.nestedType)];
    });
  return within(file.package, file.messageType);
}

function fieldNamed(messages: readonly FoundMessage[], name: string): { readonly field: FieldDescriptorProto; readonly file: FileDescriptorProto } | undefined {
  const at = name.lastIndexOf(".");
  const found = messages.find((message) => message.name === name.slice(0, at));
  const field = found?.proto.field.find((each) => each.name === name.slice(at + 1));
  return found && field && { field, file: found.file };
}

/** Marks a field. True if a policy of ours is on it because of that. */
function mark(field: FieldDescriptorProto, { debugRedact, policy }: FieldEntry): boolean {
  const options = (field.options ??= create(FieldOptionsSchema));
  if (debugRedact) options.debugRedact = true;
  if (policy.personal) setExtension(options, fieldOption, policy);
  return policy.personal;
}

function messagePolicyOf({ options }: DescriptorProto): MessagePolicy {
  return options === undefined ? create(MessagePolicySchema) : getExtension(options, messageOption);
}

/** Adds an event to those that post a message. */
function post(message: DescriptorProto, webhook: Webhook): void {
  const policy = messagePolicyOf(message);
  setExtension((message.options ??= create(MessageOptionsSchema)), messageOption, { ...policy, webhooks: [...policy.webhooks, webhook] });
}
