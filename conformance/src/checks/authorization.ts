/** Checks of who may touch what: no effect of the denied, nothing to see for the uninvited, no way around. */
import type { JsonObject } from "@bufbuild/protobuf";
import { type ContractMethod, methods } from "../contract.js";
import { canWrite, type Check, everyVariant } from "../run/check.js";
import type { Context } from "../run/context.js";
import { inParallel } from "../run/parallel.js";
import type { Judge } from "../run/verdict.js";
import { carries } from "../wire/client.js";
import { textOf } from "../wire/status.js";
import { type CallResult, type Credential, type Variant } from "../wire/wire.js";
import { described, refusalFaults } from "./expect.js";
import { labelOf } from "./matrix.js";

const one = { key: "one", lang: "en" };

async function credentials<Role extends "owner" | "writer" | "reader" | "stranger" | "nobody">({ people }: Context, ...roles: Role[]): Promise<Record<Role, Credential>> {
  const made = await Promise.all(roles.map(async (role) => [role, (await people.as(role)).credential] as const));
  return Object.fromEntries(made) as Record<Role, Credential>;
}

/** The document as the admin sees it, as text; absent ones as such. */
async function seen(context: Context, document: JsonObject): Promise<string> {
  const result = await context.call(context.control, "DocumentService/Get", document, { credential: context.admin });
  return JSON.stringify(result.code === "ok" ? result.messages : result.code);
}

const deniedHasNoEffect: Check = {
  id: "AZ-03",
  profile: "smoke",
  over: canWrite,
  run: async (context, judge, variant) => {
    const { reader, writer } = await credentials(context, "reader", "writer");
    const { collection } = context;
    const key = `${context.namespace}-kept-${labelOf(variant)}`;
    const added = await context.call(variant, "DocumentService/Add", { collection, key, contentMd: "# Before" }, { credential: writer });
    judge.control("a writer adds", added.code === "ok", described(added));
    const before = await seen(context, { collection, key });
    const attempts: [method: string, request: JsonObject][] = [
      ["DocumentService/Add", { collection, key, contentMd: "# After" }],
      ["DocumentService/Add", { collection, key: `${key}-new`, contentMd: "# After" }],
      ["DocumentService/AddBatch", { collection, documents: [{ key: `${key}-new`, contentMd: "# After" }] }],
      ["DocumentService/Update", { collection, key, contentMd: "# After" }],
      ["DocumentService/Delete", { collection, key }],
      ["DocumentService/DeleteBatch", { collection, documents: [{ key }] }],
      ["DocumentService/DeleteCollection", { collection, force: true }],
    ];
    for (const [method, request] of attempts) {
      const result = await context.call(variant, method, request, { credential: reader });
      judge.none(method, refusalFaults(result, "PERMISSION_MISSING"));
    }
    judge.equal("the document afterwards", await seen(context, { collection, key }), before);
    judge.equal("the document that was not added", await seen(context, { collection, key: `${key}-new` }), '"not_found"');
  },
};

const foreignObjects: Check = {
  id: "AZ-04",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { owner, stranger } = await credentials(context, "owner", "stranger");
    const { collection } = context;
    const good = await context.call(variant, "DocumentService/Get", { collection, ...one }, { credential: owner });
    judge.control("the owner gets it", good.code === "ok", described(good));
    const reads: [method: string, request: JsonObject][] = [
      ["DocumentService/Get", { collection, ...one }],
      ["DocumentService/Search", { collection }],
      ["DocumentService/ListRevisions", { collection, ...one }],
      ["DocumentService/GetStats", { collection }],
      ["DocumentService/GetChecksum", { collection }],
      ["DocumentService/GetCollection", { collection }],
    ];
    const others: [method: string, request: JsonObject][] = [
      ["DocumentService/Export", { collection }],
      ["DocumentService/ExportArchive", { collection }],
      ["DocumentService/Update", { collection, ...one, contentMd: "# Mine" }],
      ["DocumentService/Delete", { collection, ...one }],
      ["DocumentService/AddBatch", { collection, documents: [{ key: "mine" }] }],
      ["DocumentService/DeleteBatch", { collection, documents: [one] }],
      ["DocumentService/Import", { collection, document: { key: "mine" } }],
      ["DocumentService/UpdateCollection", { collection, config: {} }],
    ];
    for (const [method, request] of [...reads, ...(variant.encoding === "connect-get" ? [] : others)]) {
      const result = await context.call(variant, method, request, { credential: stranger });
      judge.none(method, refusalFaults(result, "PERMISSION_MISSING"));
    }
  },
};

/** What a caller can see of an answer, the parts that differ by nature left out. */
function visible({ code, error, http, variant }: CallResult, requestId: string): string {
  const names = [...http.headers.keys(), ...http.trailers.keys()].sort();
  const body = variant.encoding === "grpc-web-text" ? "" : Buffer.from(http.body).toString("latin1").replaceAll(requestId, "*");
  const details = (error?.details ?? []).map(({ typeUrl, value }) => [typeUrl, Buffer.from(value).toString("hex")]);
  return JSON.stringify([code, error?.message, details, http.status, names, body.length, body]);
}

const indistinguishable: Check = {
  id: "AZ-05",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { reader, stranger } = await credentials(context, "reader", "stranger");
    const { collection } = context;
    const absent = { key: "two", lang: "en" };
    const found = await context.call(variant, "DocumentService/Get", { collection, ...one }, { credential: reader });
    const missing = await context.call(variant, "DocumentService/Get", { collection, ...absent }, { credential: reader });
    judge.control("a reader sees that one exists", found.code === "ok" && missing.code === "not_found", `${described(found)}; ${described(missing)}`);
    const look = async (method: string, request: JsonObject): Promise<string> => {
      const requestId = context.requestId();
      const result = await context.call(variant, method, request, { credential: stranger, headers: [["x-request-id", requestId]] });
      judge.none(method, refusalFaults(result, "PERMISSION_MISSING"));
      return visible(result, requestId);
    };
    // Of the same length, so that an echo of the name cannot give it away by its size.
    const noCollection = `${collection.slice(0, -1)}~`;
    for (const [method, there, elsewhere] of [
      ["DocumentService/Get", { collection, ...one }, [{ collection, ...absent }, { collection: noCollection, ...one }]],
      ["DocumentService/Search", { collection }, [{ collection: noCollection }]],
      ["DocumentService/ListRevisions", { collection, ...one }, [{ collection, ...absent }, { collection: noCollection, ...one }]],
      ["DocumentService/GetCollection", { collection }, [{ collection: noCollection }]],
    ] as [string, JsonObject, JsonObject[]][]) {
      const reference = await look(method, there);
      for (const request of elsewhere) judge.equal(`${method} of something that does not exist`, await look(method, request), reference);
    }
  },
};

const noForeignNames: Check = {
  id: "AZ-06",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { stranger, nobody } = await credentials(context, "stranger", "nobody");
    const names = async (credential: Credential): Promise<string[]> => {
      const result = await context.call(variant, "DocumentService/ListCollections", { pageSize: 1000 }, { credential });
      judge.control("the list", result.code === "ok", described(result));
      return ((result.messages[0]?.["collections"] ?? []) as JsonObject[]).map(({ name }) => textOf(name));
    };
    judge.equal("a stranger's list is its own collection", await names(stranger), [context.otherCollection]);
    judge.equal("nobody's list is empty", await names(nobody), []);
    const stats = await context.call(variant, "DocumentService/GetStats", {}, { credential: stranger });
    judge.none("counts of the whole server", refusalFaults(stats, "ADMIN_REQUIRED"));
  },
};

const pageTokens: Check = {
  id: "AZ-07",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { reader, stranger } = await credentials(context, "reader", "stranger");
    const { collection, otherCollection } = context;
    await context.asAdmin("DocumentService/Add", { collection, key: "another", contentMd: "# Another" });
    const search = async (request: JsonObject, credential: Credential): Promise<CallResult> => await context.call(variant, "DocumentService/Search", request, { credential });
    const first = await search({ collection, limit: 1 }, reader);
    const pageToken = textOf(first.messages[0]?.["nextPageToken"]);
    const second = await search({ collection, limit: 1, pageToken }, reader);
    judge.control("a second page", pageToken !== "" && second.code === "ok", described(second));
    judge.none("the token of another on its collection", refusalFaults(await search({ collection, limit: 1, pageToken }, stranger), "PERMISSION_MISSING"));
    const moved = await search({ collection: otherCollection, limit: 1, pageToken }, stranger);
    judge.that("the token on another collection shows nothing foreign", !JSON.stringify(moved.messages).includes(collection) && (moved.code === "ok" || moved.code === "invalid_argument"), described(moved));
  },
};

/** A request that breaks one rule of a method, beside the object it is about. */
interface InvalidCase {
  readonly method: ContractMethod;
  readonly what: string;
  readonly request: JsonObject;
  /** Why a principal without rights is refused before the rule is looked at. */
  readonly refusal: string;
}

/** Every invalid request of the contract that names its object well, for methods that need a right. */
function invalidCases(collection: string, variant: Variant): InvalidCase[] {
  return methods
    .filter((method) => carries(variant, method) && method.desc.methodKind === "unary" && ["read", "write", "admin"].includes(method.facts.role))
    .flatMap((method) => {
      const { resourceField, invalid, role } = method.facts;
      const inPath = new Set(method.bindings[0]?.variables);
      return invalid
        // REST cannot say some of them: a path without a value for its variable is another path, and a body is always there.
        .filter(({ field }) => field !== "" && field !== resourceField && !(variant.encoding === "rest" && (inPath.has(field) || field === method.bindings[0]?.body)))
        .map(({ field, rule, request }) => ({
          method,
          what: `${method.name} with ${field} against ${rule}`,
          request: { ...(request as JsonObject), ...(resourceField === "collection" ? { collection } : {}) },
          refusal: resourceField === "" && role === "admin" ? "ADMIN_REQUIRED" : "PERMISSION_MISSING",
        }));
    });
}

/** One in this many invalid requests is sent over each protocol in the smoke profile. */
const smokeShare = 4;

const beforeValidation: Check = {
  id: "AZ-08",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { stranger } = await credentials(context, "stranger");
    const all = invalidCases(context.collection, variant);
    const offset = context.variants.indexOf(variant);
    const chosen = context.settings.profile === "smoke" ? all.filter((_, index) => (index + offset) % smokeShare === 0) : all;
    await inParallel(chosen, async ({ method, what, request, refusal }) => {
      const told = await context.client.call(variant, method, request, { credential: context.admin });
      judge.control(`${what} by an admin is invalid`, refusalFaults(told, "FIELD_INVALID").length === 0, described(told));
      const result = await context.client.call(variant, method, request, { credential: stranger });
      judge.none(`${what} by a stranger`, refusalFaults(result, refusal));
    });
  },
};

const nextRequest: Check = {
  id: "AZ-09",
  profile: "smoke",
  over: "once",
  run: async (context, judge) => {
    const person = await context.people.make("demoted", { limits: "unlimited", grants: [{ collection: context.collection, read: true }] });
    const { collection } = context;
    const everywhere = async (observe: (variant: Variant, result: CallResult) => void): Promise<void> => {
      for (const variant of context.variants) observe(variant, await context.call(variant, "DocumentService/Get", { collection, ...one }, { credential: person.credential }));
    };
    await everywhere((variant, result) => judge.control(`with the right over ${variant.label}`, result.code === "ok", described(result)));
    await context.asAdmin("AuthService/DeletePermission", { username: person.username, collection });
    await everywhere((variant, result) => judge.none(`without it over ${variant.label}`, refusalFaults(result, "PERMISSION_MISSING")));
    await context.asAdmin("AuthService/SetPermission", { username: person.username, collection: "*", read: true });
    await everywhere((variant, result) => judge.that(`with the right on everything over ${variant.label}`, result.code === "ok", described(result)));
    await context.asAdmin("AuthService/SetPermission", { username: person.username, collection: "*" });
    await everywhere((variant, result) => judge.none(`without that over ${variant.label}`, refusalFaults(result, "PERMISSION_MISSING")));
  },
};

const noEscalation: Check = {
  id: "AZ-10",
  profile: "smoke",
  over: canWrite,
  run: async (context, judge, variant) => {
    const { collection, people } = context;
    const [owner, reader] = await Promise.all([people.as("owner"), people.as("reader")]);
    for (const { username, credential } of [owner, reader]) {
      const grants: JsonObject[] = [{ collection: "*", admin: true }, { collection: context.otherCollection, read: true }];
      for (const grant of grants) {
        const result = await context.call(variant, "AuthService/SetPermission", { username, ...grant }, { credential });
        judge.none(`a grant to oneself on ${textOf(grant["collection"])}`, refusalFaults(result, "ADMIN_REQUIRED"));
      }
    }
    const minted = await context.call(variant, "AuthService/CreateApiKey", { description: context.namespace, scopes: [{ collection, read: true, write: true }] }, { credential: { bearer: reader.token } });
    await harmless(context, judge, variant, "a key broader than its user", minted);
    const narrow = await context.call(variant, "AuthService/CreateApiKey", { description: context.namespace, scopes: [{ collection, read: true }] }, { credential: { bearer: owner.token } });
    judge.control("a narrowed key", narrow.code === "ok", described(narrow));
    const apiKey = textOf(narrow.messages[0]?.["key"]);
    context.secrets.add(apiKey);
    const broader: JsonObject[] = [{}, { scopes: [{ collection, read: true, write: true }] }];
    for (const request of broader) {
      const child = await context.call(variant, "AuthService/CreateApiKey", { description: context.namespace, ...request }, { credential: { apiKey } });
      await harmless(context, judge, variant, "a key broader than the key that made it", child);
    }
  },
};

/** Expects a key either not to be made, or not to be able to write. */
async function harmless(context: Context, judge: Judge, variant: Variant, what: string, made: CallResult): Promise<void> {
  if (made.code !== "ok") {
    judge.none(what, refusalFaults(made, "GRANT_EXCEEDED"));
    return;
  }
  const apiKey = textOf(made.messages[0]?.["key"]);
  context.secrets.add(apiKey);
  const result = await context.call(variant, "DocumentService/Add", { collection: context.collection, key: "broader" }, { credential: { apiKey } });
  judge.none(what, refusalFaults(result, "PERMISSION_MISSING"));
}

const allOrNothing: Check = {
  id: "AZ-16",
  profile: "smoke",
  over: canWrite,
  run: async (context, judge, variant) => {
    if (!context.claims.batchAtomic) return judge.notClaimed("batches are not atomic here");
    const { writer } = await credentials(context, "writer");
    const { collection } = context;
    const key = `${context.namespace}-batch-${labelOf(variant)}`;
    const good = await context.call(variant, "DocumentService/AddBatch", { collection, documents: [{ key: `${key}-0`, contentMd: "# Zero" }] }, { credential: writer });
    judge.control("a batch", good.code === "ok", described(good));
    const conflicting = await context.call(variant, "DocumentService/AddBatch", { collection, documents: [{ key: `${key}-1`, contentMd: "# One" }, { key: `${key}-0`, createOnly: true }] }, { credential: writer });
    judge.none("a batch with a document that exists", refusalFaults(conflicting, "ETAG_MISMATCH"));
    judge.equal("the document before it", await seen(context, { collection, key: `${key}-1` }), '"not_found"');
    const deleting = await context.call(variant, "DocumentService/DeleteBatch", { collection, documents: [{ key: `${key}-0` }, { key: `${key}-1` }] }, { credential: writer });
    judge.none("a deletion with a document that does not exist", refusalFaults(deleting, "DOCUMENT_NOT_FOUND"));
    judge.that("the document before it stays", (await seen(context, { collection, key: `${key}-0` })).includes("# Zero"));
  },
};

const repeatable: Check = {
  id: "AZ-18",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { reader, stranger } = await credentials(context, "reader", "stranger");
    const request = { collection: context.collection, ...one };
    const decisions = new Set<string>();
    for (let index = 0; index < 5; index++) {
      const [good, bad] = await Promise.all([context.call(variant, "DocumentService/Get", request, { credential: reader }), context.call(variant, "DocumentService/Get", request, { credential: stranger })]);
      decisions.add(`${good.code} ${bad.code}`);
    }
    judge.equal("decisions", [...decisions], ["ok permission_denied"]);
  },
};

/** The checks of this file. */
export const authorizationChecks: readonly Check[] = [deniedHasNoEffect, foreignObjects, indistinguishable, noForeignNames, pageTokens, beforeValidation, nextRequest, noEscalation, allOrNothing, repeatable];
