/** The role × method matrix: what the contract says of every pair, and what the deployment does. */
import { type ContractMethod, methodOf, methods } from "../contract.js";
import { type Check, everyVariant } from "../run/check.js";
import type { Context } from "../run/context.js";
import { inParallel } from "../run/parallel.js";
import type { Role } from "../run/people.js";
import { carries } from "../wire/client.js";
import { type Credential, type Variant } from "../wire/wire.js";
import { described, refusalFaults, wasAdmitted } from "./expect.js";
import { sampleOf } from "./samples.js";

/** Everybody the matrix knows. */
type Caller = "anonymous" | "admin" | Exclude<Role, "stranger">;

const callers: readonly Caller[] = ["anonymous", "nobody", "reader", "writer", "owner", "admin"];

/** Rights that callers hold on the collection of the run; admin implies the others. */
const held: Readonly<Record<Caller, readonly ContractMethod["facts"]["role"][]>> = {
  anonymous: [],
  nobody: [],
  reader: ["read"],
  writer: ["read", "write"],
  owner: ["read", "write", "admin"],
  admin: ["read", "write", "admin"],
};

/** Why the contract refuses a caller; undefined: it does not. */
function expectedRefusal({ facts: { role, resourceField } }: ContractMethod, caller: Caller): string | undefined {
  if (role === "public") return undefined;
  if (caller === "anonymous") return "CREDENTIAL_MISSING";
  if (role === "authenticated" || caller === "admin") return undefined;
  if (resourceField === "") return role === "admin" ? "ADMIN_REQUIRED" : "PERMISSION_MISSING";
  return held[caller].includes(role) ? undefined : "PERMISSION_MISSING";
}

/** Public in the contract, and the admin's alone where a deployment says so (production mode); the same for everybody either way. */
const closable = methodOf("SystemService/GetMetrics");

/** Not in the matrix: its refusals are about what is in the request, and its limit is strict. */
const outside = new Set(["AuthService/Login"]);

/** One in this many cells of the matrix is tried over each protocol in the smoke profile. */
const smokeShare = 3;

const matrix: Check = {
  id: "AZ-02",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const existingUser = (await context.people.as("reader")).username;
    const names = { collection: context.collection, existingUser, absent: `${context.namespace}-${variant.label.replace("/", "-")}`, expiresAt: Math.floor(context.serverNow() / 1_000) + 600 };
    const all = methods.filter((each) => carries(variant, each) && !outside.has(each.name)).flatMap((method) => callers.map((caller) => ({ method, caller })));
    // In the smoke profile each protocol takes a share of the cells; together they cover every one several times.
    const offset = context.variants.indexOf(variant);
    const cells = context.settings.profile === "smoke" ? all.filter((_, index) => (index + offset) % smokeShare === 0) : all;
    const closed = (await context.client.call(variant, closable, {})).code === "unauthenticated";
    const asClosed: ContractMethod = { ...closable, facts: { ...closable.facts, role: "admin" } };
    await inParallel(cells, async ({ method, caller }) => {
      const result = await context.client.call(variant, method, sampleOf(method, names), { credential: await credentialOf(context, caller) });
      const refusal = expectedRefusal(closed && method === closable ? asClosed : method, caller);
      if (refusal === undefined) judge.that(`${caller} may call ${method.name}`, wasAdmitted(result), described(result));
      else judge.none(`${caller} may not call ${method.name}`, refusalFaults(result, refusal));
    });
  },
};

async function credentialOf(context: Context, caller: Caller): Promise<Credential | undefined> {
  if (caller === "anonymous") return undefined;
  return caller === "admin" ? context.admin : (await context.people.as(caller)).credential;
}

/** A method that the contract does not have, called like one it has. */
function unknownMethod(method: ContractMethod, name: string): ContractMethod {
  const service = method.path.slice(0, method.path.lastIndexOf("/"));
  const path = `/v1/conformance/${name}`;
  return { ...method, name, path: name.includes("/") ? `/${name}` : `${service}/${name}`, bindings: [{ ...method.bindings[0]!, template: path, segments: [{ literal: path }], variables: [] }] };
}

const everyMethodHasPolicy: Check = {
  id: "AZ-01",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    for (const { name, facts } of methods) judge.that(`${name} has access and audit in the contract`, facts.role.length > 0 && facts.auditAction.length > 0);
    const known = methodOf("AuthService/GetMe");
    const good = await context.client.call(variant, known, {}, { credential: context.admin });
    judge.control("a method that exists", good.code === "ok", described(good));
    for (const name of ["NoSuchMethod", "getMe", "parapet.auth.v1.NoService/GetMe", "parapet.auth.v1.AuthService"]) {
      for (const credential of [context.admin, undefined]) {
        const result = await context.client.call(variant, unknownMethod(known, name), {}, { credential });
        judge.that(`${name} is denied to ${credential ? "an admin" : "anybody"}`, result.code === "unimplemented" || result.code === "unauthenticated" || (result.code === "none" && result.http.status === 404), described(result));
      }
    }
  },
};

/** Label of a way to call as part of a name. */
export function labelOf({ label }: Variant): string {
  return label.replace("/", "-");
}

/** The checks of this file. */
export const matrixChecks: readonly Check[] = [everyMethodHasPolicy, matrix];
