/** Calls any contract in any role, going round the budgets that calls of the suite itself would spend. */
import type { DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { ContractMethod } from "../contract.js";
import { retryDelayMs, wasLimited } from "../checks/budgets.js";
import { HarnessError } from "../run/verdict.js";
import { carries, type WireClient } from "../wire/client.js";
import { blankMessage } from "../wire/messages.js";
import { fitsPath } from "../wire/rest.js";
import { hasOwnForm } from "../wire/own-form.js";
import { isObject } from "../wire/status.js";
import { type CallOptions, type CallResult, field, NoAnswer, type Variant } from "../wire/wire.js";
import type { AnyContract, Role, RoleTokens } from "./files.js";

/** Everybody, and nobody in particular. */
export type Caller = Role | "anonymous";

/** Rights that callers hold on the resource. */
export const held: Readonly<Record<Caller, readonly string[]>> = {
  anonymous: [],
  nobody: [],
  reader: ["read"],
  writer: ["read", "write"],
  owner: ["read", "write", "admin"],
  admin: ["read", "write", "admin"],
};

/** Tokens of a role that calls of the suite may use up; the others stay fresh for limits. */
const keptFresh = 4;
/** Longest wait for a budget of the suite's own calls, in milliseconds. */
const waitMsMax = 65_000;

/** What the checks of the profile work with. */
export interface Play {
  readonly contract: AnyContract;
  readonly variants: readonly Variant[];
  readonly resource: string;
  /** Methods none of whose REST paths takes the resource. */
  readonly unbound: readonly string[];
  readonly client: WireClient;
  /** Calls in a role. A budget that is spent leads to another token of the role, then to waiting. */
  call(caller: Caller, variant: Variant, method: ContractMethod, request: JsonValue, options?: CallOptions): Promise<CallResult>;
  /** A token of a role that no call was made with; undefined when none is left. */
  fresh(role: Role): string | undefined;
  /** The method's example request, with its resource named; undefined where the contract's rules gave none. */
  requestOf(method: ContractMethod, from?: ContractMethod["facts"]["request"]): JsonValue | undefined;
  /** A request of the method in which its resource alone is named. */
  blankOf(method: ContractMethod): JsonValue;
  /** Why the contract refuses a caller; undefined: it does not. */
  refusalOf(method: ContractMethod, caller: Caller): string | undefined;
  /** The least powerful role that may call; undefined: everybody may. */
  roleFor(method: ContractMethod): Role | undefined;
  /** Methods that this way to call carries and that an exchange of one message can try. */
  methodsOver(variant: Variant): readonly ContractMethod[];
  wait(ms: number): Promise<void>;
}

/** What a play is made of. */
export interface PlayParts {
  readonly contract: AnyContract;
  readonly tokens: RoleTokens;
  readonly client: WireClient;
  readonly variants: readonly Variant[];
  /** The target is this machine, so that calls may come from many of its addresses. */
  readonly loopback: boolean;
}

/** Makes one. */
export function createPlay({ contract, tokens: { resource, tokens }, client, variants, loopback }: PlayParts): Play {
  const inUse = new Map<Role, number>();
  const spares = new Map(Object.entries(tokens).map(([role, list]) => [role as Role, list.slice(1).slice(-keptFresh)]));
  let sources = 0;

  const source = (): string | undefined => {
    if (!loopback) return undefined;
    sources++;
    return `127.${100 + (sources >> 16) % 100}.${(sources >> 8) & 0xff}.${1 + (sources % 254)}`;
  };

  const call: Play["call"] = async (caller, variant, method, request, options = {}) => {
    if (caller === "anonymous") return await client.call(variant, method, request, { source: source(), ...options });
    const pool = tokens[caller].slice(0, Math.max(1, tokens[caller].length - keptFresh));
    let waited = 0;
    for (let tried = 0; ; tried++) {
      const at = inUse.get(caller) ?? 0;
      const result = await client.call(variant, method, request, { ...options, credential: { bearer: pool[at % pool.length]! } });
      if (!wasLimited(result)) return result;
      if (at === inUse.get(caller) || !inUse.has(caller)) inUse.set(caller, at + 1);
      if (tried % pool.length !== pool.length - 1) continue;
      const ms = retryDelayMs(result) ?? Number(field(result.http.headers, "retry-after") ?? Number.NaN) * 1_000;
      waited += ms;
      if (!(waited <= waitMsMax)) throw new HarnessError(`the budgets of ${caller} are spent; give more tokens of it in the credentials file`);
      await sleep(ms + 5);
    }
  };

  const refusalOf: Play["refusalOf"] = ({ facts: { role, resourceField } }, caller) => {
    if (role === "public") return undefined;
    if (caller === "anonymous") return "CREDENTIAL_MISSING";
    if (role === "authenticated" || caller === "admin") return undefined;
    if (resourceField === "") return role === "admin" ? "ADMIN_REQUIRED" : "PERMISSION_MISSING";
    return held[caller].includes(role) ? undefined : "PERMISSION_MISSING";
  };

  const named = ({ desc, facts: { resourceField } }: ContractMethod, json: JsonValue): JsonValue => (resourceField === "" || (!isObject(json) && !hasOwnForm(desc.input)) ? json : !isObject(json) ? resource : withValue(desc.input, json, resourceField.split("."), resource));
  const requestOf: Play["requestOf"] = (method, from = method.facts.request) => (from === null ? undefined : named(method, from as JsonValue));
  const blankOf: Play["blankOf"] = (method) => named(method, blankMessage(method.desc.input));
  // A binding whose path takes other resources than the one at hand cannot be tried.
  const methods = contract.methods.map((method) => ({ ...method, bindings: method.bindings.filter((binding) => fitsPath(binding, method.desc.input, requestOf(method) ?? blankOf(method))) }));

  return {
    contract,
    unbound: methods.filter(({ bindings, facts }) => bindings.length === 0 && facts.bindings.length > 0).map(({ name }) => name),
    variants,
    resource,
    client,
    call,
    fresh: (role) => spares.get(role)?.pop(),
    requestOf,
    blankOf,
    refusalOf,
    roleFor(method) {
      if (method.facts.role === "public") return undefined;
      return (["nobody", "reader", "writer", "owner", "admin"] as const).find((role) => refusalOf(method, role) === undefined);
    },
    methodsOver: (variant) => methods.filter((method) => carries(variant, method) && isTriable(variant, method)),
    wait: sleep,
  };
}

/** HTTP/1.1 cannot carry both directions at once. */
function isTriable({ http }: Variant, { desc }: ContractMethod): boolean {
  return desc.methodKind !== "bidi_streaming" || http === "h2";
}

function withValue(desc: DescMessage, json: JsonObject, [name, ...rest]: readonly string[], value: string): JsonObject {
  const field = desc.fields.find((each) => each.name === name);
  if (field === undefined) return json;
  const below = json[field.jsonName];
  const inner = rest.length === 0 || field.fieldKind !== "message" ? value : withValue(field.message, isObject(below) ? below : {}, rest, value);
  return { ...json, [field.jsonName]: inner };
}

/** A result, or undefined where a stream that was let through goes on for ever. */
export async function orEndless(method: ContractMethod, result: Promise<CallResult>): Promise<CallResult | undefined> {
  try {
    return await result;
  } catch (error) {
    if (error instanceof NoAnswer && !error.unreachable && method.desc.methodKind !== "unary") return undefined;
    throw error;
  }
}

async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
