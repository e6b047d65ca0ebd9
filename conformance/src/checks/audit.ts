/** Checks of single audit records: one for each call, complete, alike over all protocols, there at once. */
import type { JsonObject } from "@bufbuild/protobuf";
import { CredentialKind, Decision } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import type { AuditEntry } from "@parapet/contract/parapet/audit/v1/audit_service_pb";
import { methodOf } from "../contract.js";
import { canWrite, type Check, everyVariant } from "../run/check.js";
import type { Context } from "../run/context.js";
import type { Judge } from "../run/verdict.js";
import { carries } from "../wire/client.js";
import type { CallOptions, Variant } from "../wire/wire.js";
import { exhausted, slowLimits, spendAll, wasLimited } from "./budgets.js";
import { described } from "./expect.js";
import { labelOf } from "./matrix.js";
import { comparable, protocolOf, recorded, type Recorded, shown } from "./records.js";

/** An audited call that works over this way to call: a change, or for GET the audited reading of the users. */
async function audited(context: Context, variant: Variant, suffix: string): Promise<Recorded> {
  if (variant.encoding === "connect-get") return await recorded(context, variant, "AuthService/ListUsers", { pageSize: 1 }, { credential: context.admin });
  const { credential } = await context.people.as("writer");
  const key = `${context.namespace}-audited-${labelOf(variant)}-${suffix}`;
  return await recorded(context, variant, "DocumentService/Add", { collection: context.collection, key, contentMd: "# Audited" }, { credential });
}

/** The only record of a call; undefined, and judged, where there is another number of them. */
function only(judge: Judge, what: string, { records, result }: Recorded): AuditEntry | undefined {
  judge.that(`${what}: exactly one record`, records.length === 1, `${records.length} records of ${described(result)}`);
  return records.length === 1 ? records[0] : undefined;
}

const exactlyOne: Check = {
  id: "AU-01",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const call = await audited(context, variant, "one");
    judge.control("the call", call.result.code === "ok", described(call.result));
    const record = only(judge, "a success", call);
    judge.equal("its protocol", record?.protocol, protocolOf[variant.encoding]);
    if (variant.encoding === "connect-get") return;
    const writer = await context.people.as("writer");
    const streamed = await recorded(context, variant, "DocumentService/Export", { collection: context.collection }, { credential: writer.credential });
    judge.control("a stream", streamed.result.code === "ok", described(streamed.result));
    only(judge, "a stream", streamed);
  },
};

const refusalsRecorded: Check = {
  id: "AU-02",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { admin, collection, people } = context;
    const reader = await people.as("reader");
    const search = { collection, limit: -1 };
    const cases: [what: string, method: string, request: JsonObject, options: CallOptions, reason: string, result: string][] = [
      ["unauthenticated", "DocumentService/Search", { collection }, {}, "CREDENTIAL_MISSING", "denied"],
      ["with a bad token", "DocumentService/Search", { collection }, { credential: { bearer: "a.b.c" } }, "TOKEN_INVALID", "denied"],
      ["denied", "AuthService/ListUsers", {}, { credential: reader.credential }, "ADMIN_REQUIRED", "denied"],
      ["invalid", "DocumentService/Search", search, { credential: reader.credential }, "FIELD_INVALID", "failure"],
      ["malformed", "DocumentService/Search", search, { credential: reader.credential, payload: Uint8Array.of(0xff) }, "REQUEST_MALFORMED", "failure"],
      ["failed", "AuthService/ListPermissions", { username: `${context.namespace}-absent` }, { credential: admin }, "USER_NOT_FOUND", "failure"],
    ];
    for (const [what, method, request, options, reason, result] of cases) {
      if (!carries(variant, methodOf(method))) continue;
      const call = await recorded(context, variant, method, request, options);
      const record = only(judge, what, call);
      if (record === undefined) continue;
      judge.equal(`${what}: reason, result and decision`, [record.reason, record.result, record.decision], [reason, result, result === "denied" ? Decision.DENY : Decision.ALLOW]);
      judge.equal(`${what}: code`, record.code, call.result.code);
    }
    if (!context.facilities.has("user limits")) return;
    // Floods become counted records, written once a second: that their counts add up is waited for over one way to call.
    const isFirst = variant === context.variants[0];
    const spent = await (isFirst ? people.make("flooding", { limits: slowLimits(1) }) : exhausted(context));
    const before = context.serverNow();
    const calls = await spendAll(context, variant, spent.credential, 2);
    for (let index = 0; index < 3; index++) calls.push(await context.call(variant, "AuthService/GetMe", {}, { credential: spent.credential }));
    const refused = calls.filter(wasLimited).length;
    judge.control("calls over budget", refused >= 3, `${refused}`);
    const found = await limitedInLog(context, spent.username, before, isFirst ? refused : 1);
    if (isFirst) judge.equal("rate-limited calls that the log tells of", found, refused);
    else judge.that("rate-limited calls are in the log", found > 0);
  },
};

/** How many of a user's calls were refused for their budget, as the log has it; waits for `wanted`, as counted records are written once a second. */
async function limitedInLog(context: Context, actor: string, sinceMs: number, wanted: number): Promise<number> {
  for (let left = 20; ; left--) {
    const records = await context.records({ actor, from: new Date(sinceMs - 5_000).toISOString() });
    const found = records.filter(({ reason }) => reason === "RATE_LIMITED").reduce((sum, { count }) => sum + Math.max(1, Number(count)), 0);
    if (found >= wanted || left === 0) return found;
    await context.wait(250);
  }
}

const whoWhatWhere: Check = {
  id: "AU-03",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const userAgent = `parapet-conformance/1 (${variant.label})`;
    const before = context.serverNow();
    const isGet = variant.encoding === "connect-get";
    const writer = await context.people.as("writer");
    const key = `${context.namespace}-complete-${labelOf(variant)}`;
    const call = isGet
      ? await recorded(context, variant, "AuthService/ListUsers", { pageSize: 1 }, { credential: context.admin, headers: [["user-agent", userAgent]] })
      : await recorded(context, variant, "DocumentService/Add", { collection: context.collection, key, contentMd: "# Complete" }, { credential: writer.credential, headers: [["user-agent", userAgent]] });
    const record = only(judge, "the call", call);
    if (record === undefined) return;
    judge.equal("actor, credential kind", [record.actor, record.credentialKind], isGet ? [context.settings.adminUser, CredentialKind.TOKEN] : [writer.username, CredentialKind.API_KEY]);
    judge.that("opaque ids of actor and credential", record.actorId !== "" && record.credentialId !== "" && record.actorId !== record.actor && !writer.apiKey.includes(record.credentialId));
    judge.that("tenant", record.tenant !== "");
    judge.equal("action and method", [record.action, record.method], isGet ? ["auth.user.list", "parapet.auth.v1.AuthService/ListUsers"] : ["document.add", "parapet.document.v1.DocumentService/Add"]);
    if (!isGet) judge.equal("resource, collection and key", [record.resource, record.collection, record.key], [`collections/${context.collection}/documents/${key}`, context.collection, key]);
    judge.that("the rule that decided", record.decision === Decision.ALLOW && record.rule !== "", record.rule);
    judge.equal("outcome", [record.result, record.code, record.reason], ["success", "ok", ""]);
    judge.equal("protocol, request id and agent", [record.protocol, record.requestId, record.userAgent], [protocolOf[variant.encoding], call.requestId, userAgent]);
    judge.that("client address", /^[0-9a-f.:]+$/i.test(record.clientIp), record.clientIp);
    const at = Number(record.time?.seconds ?? 0n) * 1_000 + (record.time?.nanos ?? 0) / 1e6;
    judge.that("time", at >= before - 5_000 && at <= context.serverNow() + 5_000, new Date(at).toISOString());
  },
};

const alikeEverywhere: Check = {
  id: "AU-04",
  profile: "smoke",
  over: "once",
  run: async (context, judge) => {
    const [reader, writer] = await Promise.all([context.people.as("reader"), context.people.as("writer")]);
    const { collection } = context;
    // A key for each way to call, as a second change of one document is another call.
    const keyOf = (variant: Variant): string => `${context.namespace}-alike-${labelOf(variant)}`;
    const ofKey = { collection, contentMd: "# Alike" };
    const calls: [what: string, method: string, request: JsonObject, options: CallOptions][] = [
      ["a change", "DocumentService/Add", ofKey, { credential: writer.credential }],
      ["a denial", "DocumentService/Add", ofKey, { credential: reader.credential }],
      ["an audited read", "AuthService/ListUsers", { pageSize: 1 }, { credential: context.admin }],
      ["a denied read", "AuthService/ListUsers", {}, { credential: reader.credential }],
      ["an invalid search", "DocumentService/Search", { collection, limit: -1 }, { credential: reader.credential }],
    ];
    for (const [what, method, request, options] of calls) {
      let reference: [label: string, record: unknown] | undefined;
      for (const variant of context.variants.filter((each) => carries(each, methodOf(method)))) {
        const key = keyOf(variant);
        const record = only(judge, `${what} over ${variant.label}`, await recorded(context, variant, method, request === ofKey ? { ...request, key } : request, options));
        if (record === undefined) continue;
        const facts = JSON.parse(JSON.stringify(comparable(record)).replaceAll(key, "key")) as unknown;
        if (reference === undefined) reference = [variant.label, facts];
        else judge.equal(`${what} over ${variant.label} as over ${reference[0]}`, facts, reference[1]);
      }
    }
  },
};

const levels: Check = {
  id: "AU-05",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { collection, people, admin } = context;
    const [reader, stranger] = await Promise.all([people.as("reader"), people.as("stranger")]);
    const get = { collection, key: "one", lang: "en" };
    judge.control("the contract has levels to compare", methodOf("DocumentService/Get").facts.auditLevel === "none" && methodOf("AuthService/ListUsers").facts.auditLevel === "metadata");
    const silent = await recorded(context, variant, "DocumentService/Get", get, { credential: reader.credential });
    judge.equal("none: records of a success", [silent.result.code, silent.records.map(shown)], ["ok", []]);
    only(judge, "none: a refusal", await recorded(context, variant, "DocumentService/Get", get, { credential: stranger.credential }));
    const metadata = only(judge, "metadata: a success", await recorded(context, variant, "AuthService/ListUsers", { pageSize: 1 }, { credential: admin }));
    judge.that("metadata: without the request", !(metadata?.details ?? []).some(({ value }) => value.includes("pageSize")));
    if (!canWrite(variant)) return;
    const username = (await people.as("nobody")).username;
    const request = only(judge, "request: a success", await recorded(context, variant, "AuthService/SetPermission", { username, collection: `${context.namespace}-level`, read: true }, { credential: admin }));
    judge.that("request: with the request", (request?.details ?? []).some(({ value }) => value.includes(`${context.namespace}-level`)), JSON.stringify(request?.details.map(({ name }) => name)));
    await context.asAdmin("AuthService/SetPermission", { username, collection: `${context.namespace}-level` });
  },
};

const atOnce: Check = {
  id: "AU-06",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    // Each is looked up as soon as its answer is there, without a second try.
    for (let index = 0; index < 3; index++) {
      const call = await audited(context, variant, `now-${index}`);
      judge.control("the call", call.result.code === "ok", described(call.result));
      judge.that("its record is there", call.records.length >= 1, `call ${index + 1}`);
    }
    const stranger = await context.people.as("stranger");
    const refused = await recorded(context, variant, "DocumentService/Get", { collection: context.collection, key: "one" }, { credential: stranger.credential });
    judge.that("the record of a refusal is there", refused.records.length >= 1, described(refused.result));
  },
};

/** Texts that break what puts records together without care. */
const hostile: readonly (readonly [what: string, text: string])[] = [
  ["line ends", "a\r\nb\nc"],
  ["a forged record", '","result":"success"},{"sequence":"1"'],
  ["control characters", "a\u0001\u001b[31mb\u0085c\u007f"],
  ["bidirectional overrides", "a\u202eb\u2066c\u2069"],
  ["markup", "<script>alert(1)</script>"],
  ["a template", "{collection}/${key}/%s"],
];

const noForging: Check = {
  id: "AU-12",
  profile: "smoke",
  over: canWrite,
  run: async (context, judge, variant) => {
    const { credential } = await context.people.as("writer");
    const { collection } = context;
    for (const [what, text] of hostile) {
      const key = `${text} ${labelOf(variant)}`;
      const call = await recorded(context, variant, "DocumentService/Add", { collection, key, contentMd: "# Odd" }, { credential, headers: [["user-agent", "a\tb\"}{"]] });
      const record = only(judge, what, call);
      if (record === undefined) continue;
      const escaped = (part: string): boolean => part.length > 0 && !/[\r\n]/.test(part.replace(text, ""));
      judge.that(`${what}: it names its own target`, record.collection === collection && record.action === "document.add" && record.key !== "" && escaped(record.resource), shown(record));
      judge.equal(`${what}: its outcome is the call's`, record.code, call.result.code);
    }
  },
};

const namedByCredential: Check = {
  id: "AU-21",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { adminUser } = context.settings;
    const reader = await context.people.as("reader");
    const claimed: [string, string][] = [["x-user-id", adminUser], ["x-forwarded-user", adminUser], ["x-remote-user", adminUser], ["x-actor", adminUser]];
    const call = await recorded(context, variant, "AuthService/ListUsers", {}, { credential: reader.credential, headers: claimed });
    const record = only(judge, "a call that claims to be somebody else's", call);
    judge.equal("its actor", record?.actor, reader.username);
    const anonymous = only(judge, "an anonymous call", await recorded(context, variant, "AuthService/ListUsers", {}, { headers: claimed }));
    judge.equal("its actor and kind", [anonymous?.actor, anonymous?.actorId, anonymous?.credentialKind], ["", "", CredentialKind.NONE]);
  },
};

const changesOfRights: Check = {
  id: "AU-25",
  profile: "smoke",
  over: canWrite,
  run: async (context, judge, variant) => {
    const { admin, namespace } = context;
    const { username } = await context.people.as("nobody");
    const collection = `${namespace}-change-${labelOf(variant)}`;
    const calls: [method: string, request: JsonObject, action: string][] = [
      ["AuthService/SetPermission", { username, collection, read: true }, "auth.permission.set"],
      ["AuthService/SetPermission", { username, collection, read: true, write: true }, "auth.permission.set"],
      ["AuthService/DeletePermission", { username, collection }, "auth.permission.delete"],
      ["AuthService/UpdateUser", { username, disabled: false }, "auth.user.update"],
      ["AuthService/CreateApiKey", { description: namespace }, "auth.api_key.create"],
      ["DocumentService/UpdateCollection", { collection: context.otherCollection, config: { description: labelOf(variant) } }, "collection.update"],
    ];
    const details: string[] = [];
    for (const [method, request, action] of calls) {
      const call = await recorded(context, variant, method, request, { credential: admin });
      judge.control(method, call.result.code === "ok", described(call.result));
      const record = only(judge, method, call);
      judge.equal(`${method}: actor, action and result`, [record?.actor, record?.action, record?.result], [context.settings.adminUser, action, "success"]);
      details.push((record?.details ?? []).map(({ name, value }) => `${name}=${value}`).join(" "));
      for (const message of call.result.messages) if (typeof message["key"] === "string") context.secrets.add(message["key"]);
    }
    judge.that("a changed grant shows before and after", /before|from|old/i.test(details[1] ?? ""), details[1] || "no details");
  },
};

/** The checks of this file. */
export const auditChecks: readonly Check[] = [exactlyOne, refusalsRecorded, whoWhatWhere, alikeEverywhere, levels, atOnce, noForging, namedByCredential, changesOfRights];
