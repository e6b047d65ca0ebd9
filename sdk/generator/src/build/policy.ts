/** Reads the policy of an RPC into the model, and says what it leaves out. */
import { type DescField, type DescFile, type DescMessage, type DescMethod, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence as Presence, MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import {
  Algorithm,
  AuditLevel,
  file as filePolicy,
  IdempotencyKey,
  type MethodPolicy,
  method as methodPolicy,
  Right,
} from "@parapet/contract/parapet/policy/v1/policy_pb";
import type { Access, Audit, Bucket, Limit, Policy, Resume } from "../model.js";
import { refusesEmpty } from "../rules.js";
import { resolveField } from "./field-path.js";
import { fieldRulesOf, wellKnownTypes } from "./messages.js";
import { optionOf } from "./options.js";
import type { Problems } from "./problems.js";

const algorithms: Readonly<Record<Algorithm, Bucket["algorithm"] | undefined>> = {
  [Algorithm.UNSPECIFIED]: undefined,
  [Algorithm.TOKEN_BUCKET]: "token_bucket",
  [Algorithm.STRICT_WINDOW]: "strict_window",
};
const rights = { [Right.UNSPECIFIED]: undefined, [Right.READ]: "read", [Right.WRITE]: "write", [Right.ADMIN]: "admin" } as const;
const levels = {
  [AuditLevel.UNSPECIFIED]: undefined,
  [AuditLevel.NONE]: "none",
  [AuditLevel.METADATA]: "metadata",
  [AuditLevel.REQUEST]: "request",
} as const;
const idempotencyKeys = {
  [IdempotencyKey.UNSPECIFIED]: "ignored",
  [IdempotencyKey.OPTIONAL]: "optional",
  [IdempotencyKey.REQUIRED]: "required",
} as const;

/** Buckets of all files, imports included, sorted by name. */
export function bucketsOf(files: Iterable<DescFile>, problems: Problems): Bucket[] {
  const buckets = new Map<string, Bucket>();
  for (const file of files) {
    for (const bucket of optionOf(file, filePolicy)?.buckets ?? []) {
      const { name, requests, burst } = bucket;
      const algorithm = algorithms[bucket.algorithm];
      const windowMs = Number(bucket.window?.seconds ?? 0n) * 1000 + Math.trunc((bucket.window?.nanos ?? 0) / 1e6);
      if (buckets.has(name)) problems.add("bucket-twice", file, `bucket "${name}" is declared a second time`);
      if (name === "" || algorithm === undefined || requests === 0 || windowMs <= 0) {
        problems.add("bucket-invalid", file, `bucket "${name}" needs a name, an algorithm, requests above 0 and a window above 0`);
      }
      if (algorithm === "strict_window" && burst > 0) {
        problems.add("bucket-invalid", file, `bucket "${name}" counts a strict window, which has no burst`);
      }
      buckets.set(name, { name, algorithm: algorithm ?? "token_bucket", requests, burst, windowMs });
    }
  }
  return [...buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The policy of a method; undefined, with a problem noted, where there is none. */
export function policyOf(method: DescMethod, buckets: readonly Bucket[], problems: Problems): Policy | undefined {
  const option = optionOf(method, methodPolicy);
  if (option === undefined) {
    problems.add("policy-missing", method, `${nameOf(method)} has no policy: add option (parapet.policy.v1.method), or an entry of a policy file`);
    return undefined;
  }
  const access = accessOf(method, option, problems);
  const limit = limitOf(method, option, buckets, problems);
  const audit = auditOf(method, option, problems);
  const resume = resumeOf(method, option, problems);
  return access && limit && audit ? { access, limit, audit, idempotencyKey: idempotencyKeys[option.idempotencyKey], ...(resume ? { resume } : {}) } : undefined;
}

function accessOf(method: DescMethod, { access }: MethodPolicy, problems: Problems): Access | undefined {
  const rule = access?.rule;
  switch (rule?.case) {
    case "public":
      return { kind: "public", ignoreBadCredential: rule.value.ignoreBadCredential };
    case "authenticated":
      return { kind: "authenticated" };
    case "permission": {
      const right = rights[rule.value.right];
      if (right === undefined) {
        problems.add("right-missing", method, `${nameOf(method)} asks for a permission without saying which right`);
        return undefined;
      }
      const { resourceField } = rule.value;
      checkString(method, "access.permission.resource_field", resourceField, problems);
      return { kind: "permission", right, resourceField, server: resourceField === "" || mayBeEmpty(method.input, resourceField) };
    }
    default:
      problems.add("access-missing", method, `${nameOf(method)} does not state who may call: public, authenticated or permission`);
      return undefined;
  }
}

function limitOf(method: DescMethod, { limit }: MethodPolicy, buckets: readonly Bucket[], problems: Problems): Limit | undefined {
  const kind = limit?.kind;
  if (kind?.case === "exempt" && kind.value) return { kind: "exempt" };
  if (kind?.case !== "bucket" || kind.value === "") {
    problems.add("limit-missing", method, `${nameOf(method)} states neither a bucket nor an exemption`);
    return undefined;
  }
  const cost = limit?.cost || 1;
  const bucket = buckets.find(({ name }) => name === kind.value);
  if (bucket === undefined) {
    const known = buckets.map(({ name }) => `"${name}"`).join(", ") || "none";
    problems.add("bucket-unknown", method, `${nameOf(method)} spends bucket "${kind.value}", which no file declares; declared: ${known}`);
  } else if (cost > bucket.requests + bucket.burst) {
    problems.add("bucket-invalid", method, `${nameOf(method)} costs ${cost}, more than bucket "${bucket.name}" ever holds (${bucket.requests + bucket.burst})`);
  }
  const accountField = limit?.accountField ?? "";
  checkString(method, "limit.account_field", accountField, problems);
  return { kind: "bucket", bucket: kind.value, cost, accountField };
}

function auditOf(method: DescMethod, { audit }: MethodPolicy, problems: Problems): Audit | undefined {
  const level = audit && levels[audit.level];
  if (!audit || !level || audit.action === "" || audit.resource === "") {
    problems.add("audit-missing", method, `${nameOf(method)} does not state the audit action, resource and level`);
    return undefined;
  }
  for (const [, path = ""] of audit.resource.matchAll(/\{([^}]*)\}/g)) {
    const found = resolveField(method.input, path);
    if ("fault" in found) problems.add("field-unknown", method, `audit.resource of ${nameOf(method)}: ${found.fault}`);
    else if (found.field.fieldKind !== "scalar" && found.field.fieldKind !== "enum") {
      problems.add("field-type", method, `audit.resource of ${nameOf(method)}: "${path}" is not a single value`);
    }
  }
  checkString(method, "audit.key_field", audit.keyField, problems);
  return { action: audit.action, resource: audit.resource, level, keyField: audit.keyField };
}

function resumeOf(method: DescMethod, { resume }: MethodPolicy, problems: Problems): Resume | undefined {
  if (!resume) return undefined;
  const name = nameOf(method);
  if (method.methodKind !== "server_streaming" || method.idempotency !== Level.NO_SIDE_EFFECTS) {
    problems.add("resume-invalid", method, `${name} states how it is resumed, but is not a stream from the server declared NO_SIDE_EFFECTS`);
  }
  for (const [option, message, field] of [
    ["request_field", method.input, resume.requestField],
    ["response_field", method.output, resume.responseField],
  ] as const) {
    if (wellKnownTypes.has(message.typeName)) {
      problems.add("resume-invalid", method, `resume.${option} of ${name}: ${message.typeName} has a JSON form of its own, in which there is no "${field}"`);
    } else if (!message.fields.some((each) => each.name === field && each.fieldKind === "scalar" && each.scalar === ScalarType.STRING)) {
      problems.add("resume-invalid", method, `resume.${option} of ${name}: ${message.typeName} has no string "${field}"`);
    }
  }
  return { request: resume.requestField, response: resume.responseField };
}

function checkString(method: DescMethod, option: string, path: string, problems: Problems): void {
  if (path === "") return;
  const found = resolveField(method.input, path);
  if ("fault" in found) problems.add("field-unknown", method, `${option} of ${nameOf(method)}: ${found.fault}`);
  else if (found.field.fieldKind !== "scalar" || found.field.scalar !== ScalarType.STRING) {
    problems.add("field-type", method, `${option} of ${nameOf(method)}: "${path}" is not a string`);
  }
}

/** An empty collection means the server itself, unless a rule refuses it. */
function mayBeEmpty(message: DescMessage, path: string): boolean {
  const found = resolveField(message, path);
  return "fault" in found || found.steps.some((step) => !mustHold(step));
}

/** True if a valid request holds the field, and more in it than nothing. */
function mustHold(field: DescField): boolean {
  const rules = fieldRulesOf(field) ?? {};
  if (rules.ignore === "always") return false;
  if (field.message !== undefined) return rules.required === true;
  // Of a field without presence to be set is to hold more than nothing; of any other, only if it has to be set are its other rules looked at.
  if (field.presence === Presence.IMPLICIT) return rules.required === true || (rules.ignore === undefined && refusesEmpty(rules));
  return (rules.required === true || field.presence === Presence.LEGACY_REQUIRED) && refusesEmpty(rules);
}

function nameOf(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}
