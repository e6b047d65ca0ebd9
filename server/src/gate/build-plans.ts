/** Turns descriptors and their options into plans, at start; what is wrong with a contract stops the start. */
import { create, getOption, hasOption, ScalarType, type DescFile, type DescMessage, type DescMethod, type DescService, type Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, RuntimeError } from "@bufbuild/protovalidate";
import type { MethodImpl, ServiceImpl } from "@connectrpc/connect";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Algorithm, AuditLevel, file as filePolicy, method as methodPolicy, type Limit, type MethodPolicy } from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { FieldViolation } from "../errors.js";
import type { BucketNumbers } from "../limit/limiter.js";
import { bitOfRight } from "../policy/rights.js";
import { webhookFaults } from "./check-webhooks.js";
import { compileReader, fieldsAlong, holdsSecret, isPersonal, type Pseudonym } from "./field-paths.js";
import { compileRequired } from "./required-fields.js";
import { compileTooMany } from "./too-many.js";
import type { AccessPlan, AuditPlan, LimitPlan, Plan, ResumePlan } from "./plan.js";

/** A service with its handlers, as `router.service` of connect-es takes it. */
export interface Registration {
  readonly service: DescService;
  readonly implementation: Partial<ServiceImpl<DescService>>;
}

/** A handler of any kind of method. */
type AnyHandler = (...args: never[]) => unknown;

/** What building plans needs. */
export interface PlanOptions {
  /** Policies of methods whose protos are not ours to annotate, by `package.Service/Method`. */
  readonly overlay: Readonly<Record<string, MethodPolicy>>;
  /** Numbers in force, by bucket; they replace those of the contract. */
  readonly buckets: Readonly<Record<string, BucketNumbers>>;
  readonly pseudonym: Pseudonym;
}

/** Every fault of a contract, at once. */
export class ContractError extends Error {
  override readonly name = "ContractError";
  constructor(readonly faults: readonly string[]) {
    super(`the contract cannot be served:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
  }
}

/** Builds the plans of all registered methods. Throws a ContractError that lists every fault. */
export function buildPlans(registrations: readonly Registration[], options: PlanOptions): Plan[] {
  const faults = webhookFaults(filesOf(registrations));
  const plans: Plan[] = [];
  const buckets = { ...declaredBuckets(registrations), ...options.buckets };
  const validator = validatorOf(registrations.map(({ service }) => service));
  for (const { service, implementation } of registrations) {
    for (const desc of service.methods) {
      const name = `${service.typeName}/${desc.name}`;
      const handler = (implementation as Record<string, AnyHandler | undefined>)[desc.localName];
      // A method without a handler is not routed, so it needs no policy: connect-es treats it alike.
      if (handler === undefined) continue;
      try {
        plans.push(buildPlan(desc, name, handler.bind(implementation) as unknown as MethodImpl<DescMethod>, buckets, options, validator));
      } catch (error) {
        faults.push(`${name}: ${(error as Error).message}`);
      }
    }
  }
  if (faults.length > 0) throw new ContractError(faults);
  return plans;
}

type Validator = ReturnType<typeof createValidator>;

const validators = new WeakMap<DescService, { readonly services: readonly DescService[]; readonly validator: Validator }>();

/** The validator of a contract. Compiled rules are most of what a start computes: whoever starts another server of the same services in this process gets them as they are. */
function validatorOf(services: readonly DescService[]): Validator {
  const [first] = services;
  const known = first && validators.get(first);
  // Types of one name may differ from contract to contract, so only the very same services share.
  if (known !== undefined && known.services.length === services.length && known.services.every((service, i) => service === services[i])) return known.validator;
  const validator = createValidator({ legacyRequired: true });
  if (first !== undefined) validators.set(first, { services, validator });
  return validator;
}

/** Buckets that the files of these services, and what they import, declare. */
export function declaredBuckets(registrations: readonly Registration[]): Record<string, BucketNumbers> {
  const buckets: Record<string, BucketNumbers> = {};
  for (const file of filesOf(registrations)) {
    if (!hasOption(file, filePolicy)) continue;
    for (const bucket of getOption(file, filePolicy).buckets) {
      buckets[bucket.name] = {
        name: bucket.name,
        algorithm: bucket.algorithm,
        requests: bucket.requests,
        burst: bucket.algorithm === Algorithm.STRICT_WINDOW ? 0 : bucket.burst,
        windowMs: Number(bucket.window?.seconds ?? 60n) * 1000 + (bucket.window?.nanos ?? 0) / 1e6,
      };
    }
  }
  return buckets;
}

/** The files of these services, each ahead of what it imports. */
function filesOf(registrations: readonly Registration[]): ReadonlySet<DescFile> {
  const files = new Set<DescFile>();
  const visit = (file: DescFile): void => {
    if (files.has(file)) return;
    files.add(file);
    file.dependencies.forEach(visit);
  };
  for (const { service } of registrations) visit(service.file);
  return files;
}

function buildPlan(
  desc: DescMethod,
  name: string,
  implementation: MethodImpl<DescMethod>,
  buckets: Readonly<Record<string, BucketNumbers>>,
  options: PlanOptions,
  validator: Validator,
): Plan {
  const policy = options.overlay[name] ?? (hasOption(desc, methodPolicy) ? getOption(desc, methodPolicy) : undefined);
  if (policy === undefined) throw new Error("has no policy (option parapet.policy.v1.method)");
  const secretResponse = holdsSecret(desc.output);
  return {
    desc,
    name,
    path: `/${name}`,
    policy,
    access: accessPlan(desc, policy),
    limit: limitPlan(desc, policy.limit, buckets),
    audit: auditPlan(desc, policy, options.pseudonym),
    idempotencyKey: policy.idempotencyKey,
    resume: resumePlan(desc, policy),
    sideEffects: desc.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
    input: desc.input,
    output: desc.output,
    secretRequest: holdsSecret(desc.input),
    secretResponse,
    packsResponse: !secretResponse,
    validate: compileValidation(desc.input, validator),
    implementation,
  };
}

function accessPlan(desc: DescMethod, policy: MethodPolicy): AccessPlan {
  const rule = policy.access?.rule;
  switch (rule?.case) {
    case "public":
      return { kind: "public", ignoreBadCredential: rule.value.ignoreBadCredential };
    case "authenticated":
      return { kind: "authenticated" };
    case "permission":
      return { kind: "permission", bit: bitOfRight[rule.value.right], collectionOf: compileReader(desc.input, rule.value.resourceField) };
    default:
      throw new Error("its policy states no access");
  }
}

function limitPlan(desc: DescMethod, limit: Limit | undefined, buckets: Readonly<Record<string, BucketNumbers>>): LimitPlan | undefined {
  switch (limit?.kind.case) {
    case "exempt":
      return undefined;
    case "bucket": {
      const bucket = buckets[limit.kind.value];
      if (bucket === undefined) throw new Error(`its policy names an undeclared bucket: ${limit.kind.value}`);
      return { bucket, cost: limit.cost || 1, accountOf: compileReader(desc.input, limit.accountField) };
    }
    default:
      throw new Error("its policy states no limit");
  }
}

function auditPlan(desc: DescMethod, policy: MethodPolicy, pseudonym: Pseudonym): AuditPlan {
  const audit = policy.audit;
  if (audit === undefined || audit.action === "" || audit.level === AuditLevel.UNSPECIFIED) throw new Error("its policy states no audit action or level");
  const rule = policy.access?.rule;
  return {
    action: audit.action,
    level: audit.level,
    resource: compileTemplate(desc.input, audit.resource, pseudonym),
    collectionOf: compileReader(desc.input, rule?.case === "permission" ? rule.value.resourceField : ""),
    keyOf: compileReader(desc.input, audit.keyField),
  };
}

function resumePlan(desc: DescMethod, { resume }: MethodPolicy): ResumePlan | undefined {
  if (resume === undefined) return undefined;
  if (desc.methodKind !== "server_streaming" || desc.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS) {
    throw new Error("its policy states how it is resumed, but it is no stream from the server without side effects");
  }
  const tokenOf = (message: DescMessage, name: string): string => {
    const field = message.fields.find((candidate) => candidate.name === name);
    if (field?.fieldKind !== "scalar" || field.scalar !== ScalarType.STRING) throw new Error(`its policy resumes by "${name}", which is no string of ${message.typeName}`);
    return field.localName;
  };
  return { request: tokenOf(desc.input, resume.requestField), response: tokenOf(desc.output, resume.responseField) };
}

/** Compiles `users/{username}` to a function of the request. */
function compileTemplate(desc: DescMessage, template: string, pseudonym: Pseudonym): (request: Message | undefined) => string {
  const parts = template.split(/\{([^}]*)\}/).map((part, index) => {
    if (index % 2 === 0) return () => part;
    const personal = isPersonal(fieldsAlong(desc, part).at(-1)!);
    const read = compileReader(desc, part)!;
    return (request: Message | undefined): string => {
      const value = request === undefined ? undefined : read(request);
      if (value === undefined || value === "") return "-";
      // A slash in a name must not look like the next level of the resource.
      return personal ? pseudonym(value) : value.replaceAll("%", "%25").replaceAll("/", "%2F");
    };
  });
  if (parts.length === 1) return () => template;
  const render = (request: Message | undefined): string => parts.map((part) => part(request)).join("");
  const undecoded = render(undefined);
  return (request) => (request === undefined ? undecoded : render(request));
}

function compileValidation(desc: DescMessage, validator: Validator): (request: Message) => readonly FieldViolation[] {
  const valid: readonly FieldViolation[] = [];
  // Rules are compiled by the first validation; do it now, and learn now if they do not compile.
  const probe = validator.validate(desc, create(desc));
  if (probe.kind === "error") throw new Error(`its rules do not compile: ${probe.error.message}`);
  const violationsOf = (request: Message): readonly FieldViolation[] => {
    const result = validator.validate(desc, request);
    if (result.kind === "valid") return valid;
    if (result.kind === "error") {
      // A rule that cannot be evaluated on what was sent, such as a pattern on bytes that are no text, does not hold.
      if (result.error instanceof RuntimeError) return [{ field: "", description: `a rule cannot be evaluated: ${result.error.message}`, rule: "runtime" }];
      throw result.error;
    }
    return result.violations.map(({ field, message, ruleId }) => ({ field: pathToString(field), description: message, rule: ruleId }));
  };
  const missingOf = compileRequired(desc);
  const all = missingOf === undefined ? violationsOf : (request: Message) => [...missingOf(request), ...violationsOf(request)];
  const tooManyOf = compileTooMany(desc);
  if (tooManyOf === undefined) return all;
  return (request) => {
    const tooMany = tooManyOf(request);
    return tooMany.length > 0 ? tooMany : all(request);
  };
}
