/** The checks of the contract profile: authentication, the authorization matrix and errors of any annotated contract. */
import type { ContractMethod } from "../contract.js";
import { challenges, described, errorDomain, refusalFaults, wasAdmitted } from "../checks/expect.js";
import { everyVariant, overGrpc, withStatus } from "../run/check.js";
import { inParallel } from "../run/parallel.js";
import type { Judge } from "../run/verdict.js";
import { type CallResult, type Credential, field, reasonOf, type Variant } from "../wire/wire.js";
import { roles } from "./files.js";
import { limited, limitProbe } from "./limits.js";
import { type Caller, orEndless, type Play } from "./play.js";

/** One check of the profile. */
export interface ContractCheck {
  /** Id of the requirement. */
  readonly id: string;
  readonly over: (variant: Variant) => boolean;
  readonly run: (play: Play, judge: Judge, variant: Variant) => Promise<void>;
}

/** A unary method that not everybody may call, has an example, and fits the wish; without side effects if there is one. */
function probe(play: Play, variant: Variant, fits: (method: ContractMethod) => boolean = () => true): ContractMethod | undefined {
  const found = play.methodsOver(variant).filter((method) => method.desc.methodKind === "unary" && method.facts.role !== "public" && method.facts.request !== null && fits(method));
  return found.find(({ sideEffects }) => !sideEffects) ?? found[0];
}

const nothingToTry = "a unary method that needs a credential and whose rules leave an example";

async function admits(play: Play, judge: Judge, variant: Variant, method: ContractMethod): Promise<boolean> {
  const good = await play.call(play.roleFor(method) ?? "admin", variant, method, play.requestOf(method)!);
  return judge.control(`${method.name} in a role that may`, wasAdmitted(good), described(good));
}

const unauthenticated: ContractCheck = {
  id: "AN-01",
  over: everyVariant,
  run: async (play, judge, variant) => {
    const known = probe(play, variant);
    if (known === undefined) return judge.notClaimed(nothingToTry);
    await admits(play, judge, variant, known);
    const closed = play.methodsOver(variant).filter(({ facts }) => facts.role !== "public");
    await inParallel(closed, async (method) => {
      const result = await play.call("anonymous", variant, method, play.requestOf(method) ?? play.blankOf(method));
      judge.none(method.name, refusalFaults(result, "CREDENTIAL_MISSING"));
    });
  },
};

const challenge: ContractCheck = {
  id: "AN-02",
  over: withStatus,
  run: async (play, judge, variant) => {
    const method = probe(play, variant);
    if (method === undefined) return judge.notClaimed(nothingToTry);
    for (const [what, credential] of [["no credential", undefined], ["a wrong one", { bearer: "wrong" }], ["a wrong key", { apiKey: "wrong" }]] as const) {
      const result = await play.call("anonymous", variant, method, play.requestOf(method)!, { credential });
      const found = challenges(result);
      judge.that(`${what}: a challenge`, result.http.status === 401 && found.some((each) => /^[A-Za-z][\w-]*(?: |$)/.test(each)), `HTTP ${result.http.status}, WWW-Authenticate: ${found.join(", ") || "absent"}`);
    }
  },
};

/** Bytes that are neither protobuf nor JSON nor gzip. */
const garbage = Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7b, 0x22);

const beforeBody: ContractCheck = {
  id: "AN-05",
  over: everyVariant,
  run: async (play, judge, variant) => {
    const method = probe(play, variant, ({ bindings }) => variant.encoding !== "rest" || bindings[0]?.body !== "");
    if (method === undefined) return judge.notClaimed(`${nothingToTry}, with a body`);
    const request = play.requestOf(method)!;
    const malformed = await play.call(play.roleFor(method) ?? "admin", variant, method, request, { payload: garbage });
    judge.control("a malformed body with a credential reaches the decoder", malformed.code === "invalid_argument", described(malformed));
    const size = variant.encoding === "connect-get" ? 1_000 : 1_000_000;
    for (const [what, options] of [["malformed", {}], ["broken gzip", { gzip: true }], ["a large body of nothing", { payload: new Uint8Array(size) }]] as const) {
      const result = await play.call("anonymous", variant, method, request, { payload: garbage, ...options });
      judge.none(`${what}, without a credential`, refusalFaults(result, "CREDENTIAL_MISSING"));
    }
  },
};

const callers: readonly Caller[] = ["anonymous", ...roles];

const matrix: ContractCheck = {
  id: "AZ-02",
  over: everyVariant,
  run: async (play, judge, variant) => {
    const methods = play.methodsOver(variant);
    if (methods.length === 0) return judge.notClaimed("a method that can be called this way");
    const cells = methods.flatMap((method) => callers.map((caller) => ({ method, caller })));
    await inParallel(cells, async ({ method, caller }) => {
      const refusal = play.refusalOf(method, caller);
      const request = play.requestOf(method);
      // Without a valid request nothing is learned from a call that is let through.
      if (refusal === undefined && request === undefined) return;
      const result = await orEndless(method, play.call(caller, variant, method, request ?? play.blankOf(method)));
      if (refusal === undefined) judge.that(`${caller} may call ${method.name}`, result === undefined || wasAdmitted(result), result && described(result));
      else judge.none(`${caller} may not call ${method.name}`, result === undefined ? ["the call was let through"] : refusalFaults(result, refusal));
    });
  },
};

/** Requests of a method that break a rule of theirs, but not one of the field that names the resource, of a field in the path, or of a message around them. */
function invalidRequests({ facts, bindings }: ContractMethod, { encoding }: Variant): ContractMethod["facts"]["invalid"] {
  const kept = [facts.resourceField, ...(encoding === "rest" ? (bindings[0]?.variables ?? []) : [])];
  return facts.invalid.filter(({ field: name }) => !kept.some((path) => path === name || path.startsWith(`${name}.`)));
}

const beforeValidation: ContractCheck = {
  id: "AZ-08",
  over: everyVariant,
  run: async (play, judge, variant) => {
    const method = probe(play, variant, (each) => each.facts.resourceField !== "" && invalidRequests(each, variant).length > 0);
    if (method === undefined) return judge.notClaimed("a unary method that names a resource and has a rule on another field");
    for (const { field: name, rule, request } of invalidRequests(method, variant).slice(0, 3)) {
      const named = play.requestOf(method, request)!;
      const allowed = await play.call(play.roleFor(method) ?? "admin", variant, method, named);
      if (!judge.control(`${method.name} with a broken ${name} (${rule}) in a role that may`, allowed.code === "invalid_argument", described(allowed))) continue;
      const denied = await play.call("nobody", variant, method, named);
      judge.none(`${method.name} with a broken ${name} (${rule}) by nobody`, refusalFaults(denied, "PERMISSION_MISSING"));
    }
  },
};

/** One call for every reason that any annotated contract can be made to give. */
async function provoked(play: Play, variant: Variant): Promise<{ readonly reason: string; readonly result: CallResult }[]> {
  const found: { reason: string; result: CallResult }[] = [];
  const method = probe(play, variant);
  if (method !== undefined) {
    const request = play.requestOf(method)!;
    const credentials: [reason: string, credential: Credential | undefined][] = [["CREDENTIAL_MISSING", undefined], ["TOKEN_INVALID", { bearer: "a.b.c" }], ["API_KEY_INVALID", { apiKey: "wrong" }]];
    for (const [reason, credential] of credentials) found.push({ reason, result: await play.call("anonymous", variant, method, request, { credential }) });
  }
  for (const reason of ["PERMISSION_MISSING", "ADMIN_REQUIRED"]) {
    const denied = probe(play, variant, (each) => play.refusalOf(each, "nobody") === reason);
    if (denied !== undefined) found.push({ reason, result: await play.call("nobody", variant, denied, play.requestOf(denied)!) });
  }
  const ruled = probe(play, variant, (each) => invalidRequests(each, variant).length > 0);
  if (ruled !== undefined) {
    const broken = invalidRequests(ruled, variant)[0]!.request;
    found.push({ reason: "FIELD_INVALID", result: await play.call(play.roleFor(ruled) ?? "admin", variant, ruled, play.requestOf(ruled, broken)!) });
  }
  const spent = limitProbe(play, variant);
  const refusal = spent && (await limited(play, variant, spent));
  if (typeof refusal === "object") found.push({ reason: "RATE_LIMITED", result: refusal });
  return found;
}

const nothingToProvoke = "a unary method that can be made to refuse somebody";

const codesAndStatuses: ContractCheck = {
  id: "ER-01",
  over: everyVariant,
  run: async (play, judge, variant) => {
    const refusals = await provoked(play, variant);
    if (refusals.length === 0) return judge.notClaimed(nothingToProvoke);
    for (const { reason, result } of refusals) judge.none(reason, refusalFaults(result, reason));
  },
};

const grpcStatus: ContractCheck = {
  id: "ER-02",
  over: overGrpc,
  run: async (play, judge, variant) => {
    const refusals = await provoked(play, variant);
    if (refusals.length === 0) return judge.notClaimed(nothingToProvoke);
    for (const { reason, result } of refusals) {
      const type = field(result.http.headers, "content-type") ?? "";
      judge.that(reason, result.http.status === 200 && result.code !== "none" && type.startsWith("application/grpc"), `HTTP ${result.http.status}, ${type}, code ${result.code}`);
    }
  },
};

const oneReason: ContractCheck = {
  id: "ER-03",
  over: everyVariant,
  run: async (play, judge, variant) => {
    const refusals = await provoked(play, variant);
    if (refusals.length === 0) return judge.notClaimed(nothingToProvoke);
    for (const { reason, result } of refusals) {
      judge.equal(reason, [result.error?.reasons, result.error?.domains], [[reason], [errorDomain]]);
      judge.that(`${reason} is of the form of AIP-193`, /^[A-Z][A-Z0-9_]{0,61}[A-Z0-9]$/.test(reasonOf(result)), reasonOf(result));
    }
  },
};

/** The checks of this file. */
export const contractChecks: readonly ContractCheck[] = [unauthenticated, challenge, beforeBody, matrix, beforeValidation, codesAndStatuses, grpcStatus, oneReason];
