/** What changed between two contracts for those who call by HTTP, and in policy, with a semver verdict. */
import type { Access, Binding, Bucket, Limit, Method, Model, Right, Webhook } from "../model.js";
import { type Bump, type Change, named, pairs, type Told, told } from "./change.js";
import { messageChanges, shapeChanges } from "./messages.js";
import { nameChanges } from "./names.js";

export type { Bump, Change } from "./change.js";

/** Everything that changed. */
export interface ContractDiff {
  /** `none`: the contracts are the same but for comments. */
  readonly verdict: Bump | "none";
  readonly changes: readonly Change[];
}

const bumps: readonly Bump[] = ["patch", "minor", "major"];

/** Compares; changes are sorted by element. What breaks only the binary form is left to `buf breaking`. */
export function diffModels(before: Model, after: Model): ContractDiff {
  const changes = [
    ...pairs(methodsOf(before), methodsOf(after)).flatMap(([name, old, now]) => named(name, methodChanges(old, now))),
    ...pairs(byName(before.buckets), byName(after.buckets)).flatMap(([name, old, now]) => named(`bucket ${name}`, bucketChanges(old, now))),
    ...pairs(marksOf(before), marksOf(after)).flatMap(([name, old, now]) => named(name, markChanges(old, now))),
    ...pairs(webhooksOf(before), webhooksOf(after)).flatMap(([name, old, now]) => named(`webhook ${name}`, webhookChanges(old, now))),
    ...messageChanges(before, after),
    ...nameChanges(before, after),
  ].sort((a, b) => (a.element < b.element ? -1 : a.element > b.element ? 1 : 0));
  const highest = Math.max(-1, ...changes.map(({ bump }) => bumps.indexOf(bump)));
  const same = before.contractHash === after.contractHash;
  return { verdict: highest === -1 ? (same ? "none" : "patch") : bumps[highest]!, changes };
}

function methodChanges(old: Method | undefined, now: Method | undefined): Told[] {
  if (old === undefined) return [told("minor", "same", "was added")];
  if (now === undefined) return [told("major", "same", "was removed")];
  return [
    ...shapeChanges(old, now),
    ...bindingChanges(old.bindings, now.bindings),
    ...accessChanges(old.policy.access, now.policy.access),
    ...limitChanges(old.policy.limit, now.policy.limit),
    ...auditChanges(old, now),
    ...retryChanges(old, now),
    ...resumeChanges(old, now),
  ];
}

function webhooksOf({ webhooks }: Model): Map<string, Webhook> {
  return new Map(webhooks.map((webhook) => [webhook.event, webhook]));
}

/** Receivers ignore events that they do not know, and wait in vain for those that are gone. */
function webhookChanges(old: Webhook | undefined, now: Webhook | undefined): Told[] {
  if (old === undefined) return [told("minor", "same", "was added")];
  if (now === undefined) return [told("major", "same", "was removed")];
  return old.payload === now.payload ? [] : [told("major", "same", `posts ${now.payload} instead of ${old.payload}`)];
}

const routeOf = ({ verb, template }: Binding): string => `${verb} ${template.replace(/\{([^=}]*)(?:=([^}]*))?\}/g, (_, _name, parts: string | undefined) => `{${parts ?? "*"}}`)}`;
const shown = ({ verb, template }: Binding): string => `${verb} ${template}`;

function bindingChanges(old: readonly Binding[], now: readonly Binding[]): Told[] {
  const later = new Map(now.map((binding) => [routeOf(binding), binding]));
  const earlier = new Set(old.map(routeOf));
  return [
    ...old.flatMap((binding): Told[] => {
      const same = later.get(routeOf(binding));
      if (same === undefined) return [told("major", "same", `${shown(binding)} is gone`)];
      const fields = ({ variables }: Binding): string => variables.map(({ field }) => field).join(", ");
      return [
        ...(fields(same) !== fields(binding) ? [told("major", "same", `${shown(binding)} puts its path into ${fields(same)} instead of ${fields(binding)}`)] : []),
        ...(same.body !== binding.body ? [told("major", "same", `${shown(binding)} takes ${bodyName(same.body)} as its body instead of ${bodyName(binding.body)}`)] : []),
        ...(same.responseBody !== binding.responseBody ? [told("major", "same", `${shown(binding)} answers with ${bodyName(same.responseBody || "*")} instead of ${bodyName(binding.responseBody || "*")}`)] : []),
      ];
    }),
    ...now.filter((binding) => !earlier.has(routeOf(binding))).map((binding) => told("minor", "same", `${shown(binding)} was added`)),
  ];
}

function bodyName(body: string): string {
  return body === "" ? "nothing" : body === "*" ? "the whole message" : `"${body}"`;
}

const rightRanks: Readonly<Record<Right, number>> = { read: 2, write: 3, admin: 4 };
const accessRank = (access: Access): number => (access.kind === "public" ? 0 : access.kind === "authenticated" ? 1 : rightRanks[access.right]);

function accessName(access: Access): string {
  return access.kind === "permission" ? `${access.right} on ${access.resourceField === "" ? "the server" : `"${access.resourceField}"`}` : access.kind;
}

function accessChanges(old: Access, now: Access): Told[] {
  const words = `access: ${accessName(now)} instead of ${accessName(old)}`;
  const [before, after] = [accessRank(old), accessRank(now)];
  if (after > before) return [told("major", "stricter", words)];
  if (after < before) return [told("minor", "weaker", words)];
  if (old.kind === "permission" && now.kind === "permission" && old.resourceField !== now.resourceField) {
    // Whoever held the right on the one need not hold it on the other.
    return [told("major", old.resourceField === "" ? "weaker" : now.resourceField === "" ? "stricter" : "weaker", words)];
  }
  if (old.kind === "public" && now.kind === "public" && old.ignoreBadCredential !== now.ignoreBadCredential) {
    return [now.ignoreBadCredential ? told("minor", "weaker", "access: a bad credential is ignored now") : told("major", "stricter", "access: a bad credential is refused now")];
  }
  return [];
}

function limitChanges(old: Limit, now: Limit): Told[] {
  if (old.kind === "exempt") return now.kind === "exempt" ? [] : [told("major", "stricter", `limit: bucket "${now.bucket}" instead of exempt`)];
  if (now.kind === "exempt") return [told("minor", "weaker", `limit: exempt instead of bucket "${old.bucket}"`)];
  return [
    ...(now.bucket !== old.bucket ? [told("minor", "weaker", `limit: bucket "${now.bucket}" instead of "${old.bucket}"`)] : []),
    ...(now.cost > old.cost ? [told("major", "stricter", `limit: costs ${now.cost} instead of ${old.cost}`)] : []),
    ...(now.cost < old.cost ? [told("minor", "weaker", `limit: costs ${now.cost} instead of ${old.cost}`)] : []),
    ...(now.accountField !== old.accountField ? [told("minor", now.accountField === "" ? "weaker" : "stricter", `limit: accounts are named by ${bodyName(now.accountField)} instead of ${bodyName(old.accountField)}`)] : []),
  ];
}

const levels = ["none", "metadata", "request"] as const;

function auditChanges({ policy: { audit: old } }: Method, { policy: { audit: now } }: Method): Told[] {
  const step = levels.indexOf(now.level) - levels.indexOf(old.level);
  return [
    ...(step < 0 ? [told("minor", "weaker", `audit: level ${now.level} instead of ${old.level}`)] : []),
    ...(step > 0 ? [told("patch", "stricter", `audit: level ${now.level} instead of ${old.level}`)] : []),
    ...(now.action !== old.action ? [told("minor", "same", `audit: action "${now.action}" instead of "${old.action}"`)] : []),
    ...(now.resource !== old.resource ? [told("minor", "same", `audit: resource "${now.resource}" instead of "${old.resource}"`)] : []),
    ...(now.keyField !== old.keyField ? [told("minor", "same", `audit: the key is in ${bodyName(now.keyField)} instead of ${bodyName(old.keyField)}`)] : []),
  ];
}

const keys = ["ignored", "optional", "required"] as const;

function retryChanges(old: Method, now: Method): Told[] {
  const found: Told[] = [];
  if (old.idempotency !== now.idempotency) {
    const promised = { unknown: 0, idempotent: 1, no_side_effects: 2 } as const;
    found.push(told(promised[now.idempotency] < promised[old.idempotency] ? "major" : "minor", "same", `idempotency_level: ${now.idempotency} instead of ${old.idempotency}`));
  }
  const [before, after] = [keys.indexOf(old.policy.idempotencyKey), keys.indexOf(now.policy.idempotencyKey)];
  const words = `idempotency key: ${now.policy.idempotencyKey} instead of ${old.policy.idempotencyKey}`;
  if (after === 2 && before < 2) found.push(told("major", "stricter", words));
  else if (after > before) found.push(told("minor", "same", words));
  // A client that relied on it would now be executed twice.
  else if (after === 0 && before > 0) found.push(told("major", "weaker", words));
  else if (after < before) found.push(told("minor", "weaker", words));
  return found;
}

function resumeChanges({ policy: { resume: old } }: Method, { policy: { resume: now } }: Method): Told[] {
  if (!now) return old ? [told("major", "same", "resume: a broken stream cannot be resumed any more")] : [];
  if (!old) return [told("minor", "same", `resume: a broken stream can be resumed by "${now.request}"`)];
  // Clients of the old contract send what the server does not read any more, and take the whole stream for the rest of it.
  return old.request === now.request && old.response === now.response ? [] : [told("major", "same", `resume: by "${now.request}" with "${now.response}" instead of "${old.request}" with "${old.response}"`)];
}

function bucketChanges(old: Bucket | undefined, now: Bucket | undefined): Told[] {
  if (old === undefined || now === undefined) return [];
  const capacity = ({ requests, burst }: Bucket): number => requests + burst;
  const rate = ({ requests, windowMs }: Bucket): number => requests / windowMs;
  const words = `${now.requests} + ${now.burst} in ${now.windowMs} ms instead of ${old.requests} + ${old.burst} in ${old.windowMs} ms`;
  const found: Told[] = [];
  if (old.algorithm !== now.algorithm) found.push(told("minor", now.algorithm === "strict_window" ? "stricter" : "weaker", `${now.algorithm} instead of ${old.algorithm}`));
  // The numbers are defaults that a deployment may have changed, so they break nobody by themselves.
  if (capacity(now) < capacity(old) || rate(now) < rate(old)) found.push(told("minor", "stricter", words));
  if (capacity(now) > capacity(old) || rate(now) > rate(old)) found.push(told("minor", "weaker", words));
  return found;
}

/** What is said of fields for the sake of secrecy. */
interface Marks {
  readonly redact: boolean;
  readonly personal: boolean;
}

function markChanges(old: Marks | undefined, now: Marks | undefined): Told[] {
  if (old === undefined || now === undefined) return [];
  const words = { redact: "debug_redact", personal: "personal" } as const;
  return (["redact", "personal"] as const).flatMap((mark) => {
    if (old[mark] === now[mark]) return [];
    return [now[mark] ? told("patch", "stricter", `${words[mark]} was set`) : told("minor", "weaker", `${words[mark]} was taken away`)];
  });
}

function methodsOf({ services }: Model): Map<string, Method> {
  return new Map(services.flatMap(({ methods }) => methods).map((method) => [method.fullName, method]));
}

function byName<T extends { readonly name: string }>(list: readonly T[]): Map<string, T> {
  return new Map(list.map((each) => [each.name, each]));
}

function marksOf({ messages }: Model): Map<string, Marks> {
  return new Map(messages.flatMap(({ fullName, fields }) => fields.map(({ name, redact, personal }) => [`${fullName}.${name}`, { redact, personal }] as const)));
}
