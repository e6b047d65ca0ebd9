/** Checks of what errors look like: codes, statuses, reasons, problem documents, and what they must not say. */
import { gzipSync } from "node:zlib";
import type { JsonObject } from "@bufbuild/protobuf";
import { methodOf, reasons } from "../contract.js";
import { canWrite, type Check, everyVariant, overGrpc, overRest } from "../run/check.js";
import type { Context } from "../run/context.js";
import { inParallel } from "../run/parallel.js";
import type { Judge } from "../run/verdict.js";
import { carries } from "../wire/client.js";
import { binaryOf, jsonOf } from "../wire/messages.js";
import { isObject, parseJson } from "../wire/status.js";
import { type CallResult, type Credential, field, fieldList, reasonOf, type Variant } from "../wire/wire.js";
import { whoAmI } from "./credentials.js";
import { described, errorDomain, refusalFaults } from "./expect.js";
import { labelOf } from "./matrix.js";

/** A call that must end with a reason. */
interface Provocation {
  readonly reason: string;
  readonly method: string;
  readonly request: JsonObject;
  readonly credential: Credential | undefined;
}

/** One provocation for every reason that a caller can bring about without spending a budget. */
async function provocations(context: Context, variant: Variant): Promise<Provocation[]> {
  const { admin, collection, people } = context;
  const [reader, writer] = await Promise.all([people.as("reader"), people.as("writer")]);
  const one = { collection, key: "one", lang: "en" };
  const absent = { collection, key: "absent" };
  const all: Provocation[] = [
    { reason: "CREDENTIAL_MISSING", method: "AuthService/GetMe", request: {}, credential: undefined },
    { reason: "TOKEN_INVALID", method: "AuthService/GetMe", request: {}, credential: { bearer: "a.b.c" } },
    { reason: "API_KEY_INVALID", method: "AuthService/GetMe", request: {}, credential: { apiKey: "wrong" } },
    { reason: "ADMIN_REQUIRED", method: "AuthService/ListUsers", request: {}, credential: reader.credential },
    { reason: "PERMISSION_MISSING", method: "DocumentService/Add", request: one, credential: reader.credential },
    { reason: "FIELD_INVALID", method: "DocumentService/Search", request: { collection, limit: -1 }, credential: reader.credential },
    { reason: "PAGE_TOKEN_INVALID", method: "DocumentService/Search", request: { collection, pageToken: "nonsense" }, credential: reader.credential },
    { reason: "DOCUMENT_NOT_FOUND", method: "DocumentService/Get", request: absent, credential: reader.credential },
    { reason: "REVISION_NOT_FOUND", method: "DocumentService/RestoreRevision", request: { ...one, revision: 999 }, credential: writer.credential },
    { reason: "ETAG_MISMATCH", method: "DocumentService/Update", request: { ...one, contentMd: "#", etag: "another" }, credential: writer.credential },
    { reason: "USER_NOT_FOUND", method: "AuthService/ListPermissions", request: { username: `${context.namespace}-absent` }, credential: admin },
    { reason: "API_KEY_NOT_FOUND", method: "AuthService/DeleteApiKey", request: { id: "absent" }, credential: admin },
    { reason: "COLLECTION_NOT_FOUND", method: "DocumentService/GetCollection", request: { collection: `${context.namespace}-absent` }, credential: admin },
    { reason: "COLLECTION_NOT_EMPTY", method: "DocumentService/DeleteCollection", request: { collection }, credential: admin },
    { reason: "USER_EXISTS", method: "AuthService/Register", request: { username: reader.username, password: "not used" }, credential: admin },
    { reason: "LIMIT_OVERRIDE_NOT_FOUND", method: "SystemService/DeleteLimitOverride", request: { id: "absent" }, credential: admin },
  ];
  return all.filter(({ method }) => carries(variant, methodOf(method)));
}

async function provoke(context: Context, variant: Variant, { method, request, credential }: Provocation): Promise<CallResult> {
  return await context.call(variant, method, request, { credential });
}

async function control(context: Context, judge: Judge, variant: Variant): Promise<void> {
  const { credential } = await context.people.as("reader");
  const good = await whoAmI(context, variant, credential);
  judge.control("a call that works", good.code === "ok", described(good));
}

const codesAndStatuses: Check = {
  id: "ER-01",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    await control(context, judge, variant);
    await inParallel(await provocations(context, variant), async (provocation) => {
      judge.none(provocation.reason, refusalFaults(await provoke(context, variant, provocation), provocation.reason));
    });
  },
};

const grpcStatus: Check = {
  id: "ER-02",
  profile: "smoke",
  over: overGrpc,
  run: async (context, judge, variant) => {
    await control(context, judge, variant);
    await inParallel(await provocations(context, variant), async (provocation) => {
      const { http, code } = await provoke(context, variant, provocation);
      const type = field(http.headers, "content-type") ?? "";
      judge.that(provocation.reason, http.status === 200 && code !== "none" && type.startsWith("application/grpc"), `HTTP ${http.status}, ${type}, code ${code}`);
    });
  },
};

const oneReason: Check = {
  id: "ER-03",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    await inParallel(await provocations(context, variant), async (provocation) => {
      const result = await provoke(context, variant, provocation);
      judge.equal(provocation.reason, [result.error?.reasons, result.error?.domains], [[provocation.reason], [errorDomain]]);
      judge.that(`${provocation.reason} is of the form of AIP-193`, /^[A-Z][A-Z0-9_]{0,61}[A-Z0-9]$/.test(reasonOf(result)), reasonOf(result));
    });
  },
};

const problemDocuments: Check = {
  id: "ER-04",
  profile: "smoke",
  over: overRest,
  run: async (context, judge, variant) => {
    for (const provocation of await provocations(context, variant)) {
      const { http } = await provoke(context, variant, provocation);
      const type = field(http.headers, "content-type") ?? "";
      judge.that(`${provocation.reason}: content type`, /^application\/problem\+json(?:;|$)/.test(type), type);
      const problem = parseJson(http.body);
      if (!judge.that(`${provocation.reason}: a JSON object`, isObject(problem)) || !isObject(problem)) continue;
      const missing = ["type", "title", "status", "detail", "code", "reason", "domain", "requestId", "error"].filter((name) => problem[name] === undefined);
      judge.equal(`${provocation.reason}: members that are missing`, missing, []);
      judge.equal(`${provocation.reason}: status and text`, [problem["status"], problem["error"]], [http.status, reasons.get(provocation.reason)?.title]);
      judge.equal(`${provocation.reason}: request id`, problem["requestId"], field(http.headers, "x-request-id"));
    }
  },
};

/** What gives away how a server is made: stacks, paths, queries, parsers, libraries. */
const internals = [
  /\bat (?:async )?[\w.<>]+ ?\(/, /\bnode:internal|node_modules|\.[cm]?[jt]s:\d/, /(?:^|[\s"'(])\/(?:usr|home|root|var|opt|app|tmp|etc|srv)\//, /\b(?:SELECT|INSERT|UPDATE|DELETE) .* (?:FROM|INTO|SET)\b/,
  /\b(?:Syntax|Type|Range|Reference)Error\b/, /Unexpected (?:token|end of JSON)|JSON at position|in JSON at/i, /premature EOF|invalid wire type|illegal tag|cannot decode message/i, /\b(?:lmdb|rocksdb|sqlite|postgres|redis)\b/i,
  /\b(?:10|127)\.\d+\.\d+\.\d+\b|\b192\.168\.\d+\.\d+\b/,
];

const noInternals: Check = {
  id: "ER-05",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    await control(context, judge, variant);
    const bad: [what: string, method: string, options: { payload?: Uint8Array; gzip?: boolean; headers?: [string, string][] }][] = [
      ["no credential", "AuthService/GetMe", {}],
      ["a malformed message to a method that needs a credential", "DocumentService/Search", { payload: Buffer.from('{"collection":') }],
      ["a malformed message to a public method", variant.encoding === "connect-get" ? "SystemService/GetCapabilities" : "AuthService/Login", { payload: Buffer.from('\n\xff{"username":', "latin1") }],
      ["broken gzip to a public method", variant.encoding === "connect-get" ? "SystemService/GetCapabilities" : "AuthService/Login", { payload: Buffer.from("not gzip"), gzip: true }],
      ["a token of the wrong form", "AuthService/GetMe", { headers: [["authorization", "Bearer {}.{}.{}"]] }],
      ["an unknown method", "AuthService/GetMe", { headers: [["x-http-method-override", "FROB"]] }],
    ];
    const source = context.freshSource();
    for (const [what, method, options] of bad) {
      const result = await context.call(variant, method, {}, { ...options, source });
      const text = `${result.error?.message ?? ""}\n${variant.encoding === "grpc-web-text" ? "" : Buffer.from(result.http.body).toString("utf8")}\n${[...result.http.headers].join("\n")}`;
      judge.that(`${what}: refused`, result.code !== "ok" && result.code !== "internal" && result.code !== "unknown", described(result));
      judge.equal(`${what}: internals`, internals.flatMap((pattern) => pattern.exec(text)?.[0] ?? []), []);
    }
  },
};

const tooLarge: Check = {
  id: "ER-06",
  profile: "smoke",
  over: canWrite,
  run: async (context, judge, variant) => {
    const { credential } = await context.people.as("writer");
    const { collection, claims } = context;
    if (claims.messageBytesMax === 0 || claims.messageBytesMax > 64 * 1024 * 1024) return judge.notClaimed("a bound on messages of at most 64 MiB");
    const key = `${context.namespace}-large-${labelOf(variant)}`;
    const add = methodOf("DocumentService/Add");
    const good = await context.call(variant, add.name, { collection, key, contentMd: "# Small" }, { credential, gzip: true, payload: gzipSync(messageBytes(variant, { collection, key, contentMd: "# Small" })) });
    judge.control("a small message in gzip", good.code === "ok", described(good));
    const plain = messageBytes(variant, { collection, key, contentMd: " ".repeat(claims.messageBytesMax + 1) });
    const bomb = gzipSync(plain, { level: 1 });
    for (const [what, options] of [["a decompression bomb", { payload: bomb, gzip: true }], ...(variant.http === "h1" ? [["a message beyond the bound", { payload: plain }]] : [])] as [string, object][]) {
      const result = await context.call(variant, add.name, {}, { credential, ...options, timeoutMs: 30_000 });
      judge.none(what, refusalFaults(result, "MESSAGE_TOO_LARGE"));
      judge.that(`${what}: no Retry-After`, !result.http.headers.has("retry-after"));
    }
    const header = await whoAmI(context, variant, credential, [["x-padding", "x".repeat(200_000)]]).catch(() => undefined);
    judge.that("200 kB of headers", header === undefined || header.code === "resource_exhausted" || header.http.status === 431, header && described(header));
    const after = await whoAmI(context, variant, credential);
    judge.that("the server is still up", after.code === "ok", described(after));
  },
};

/** A message as the bytes that this way to call carries, before any framing. */
function messageBytes({ encoding }: Variant, request: JsonObject): Uint8Array {
  const { input } = methodOf("DocumentService/Add").desc;
  return encoding === "connect-json" || encoding === "rest" ? jsonOf(input, request) : binaryOf(input, request);
}

const requestIds: Check = {
  id: "ER-07",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { credential } = await context.people.as("reader");
    const idOf = ({ http }: CallResult): string => field(http.headers, "x-request-id") ?? "";
    for (const [what, each] of [["a success", credential], ["a refusal", undefined]] as const) {
      judge.that(`${what} has one`, idOf(await whoAmI(context, variant, each)) !== "");
      const sent = context.requestId();
      judge.equal(`${what} echoes a valid one`, idOf(await whoAmI(context, variant, each, [["x-request-id", sent]])), sent);
      const odd = "a b<script>";
      judge.that(`${what} does not echo an invalid one`, idOf(await whoAmI(context, variant, each, [["x-request-id", odd]])) !== odd);
    }
    const list = await context.call(variant, "AuthService/ListUsers", { pageSize: 1 }, { credential: context.admin });
    const records = await context.records({ requestId: idOf(list) });
    judge.equal("records under the id of a response", records.length, 1);
  },
};

const notCached: Check = {
  id: "ER-08",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const reader = await context.people.as("reader");
    for (const [header, credential] of [["x-api-key", reader.credential], ["authorization", { bearer: reader.token }]] as const) {
      const result = await context.call(variant, "DocumentService/Get", { collection: context.collection, key: "one", lang: "en" }, { credential });
      judge.control(`a call with ${header}`, result.code === "ok", described(result));
      const cache = fieldList(result.http.headers, "cache-control");
      const vary = fieldList(result.http.headers, "vary").map((name) => name.toLowerCase());
      const holds = cache.includes("no-store") || cache.includes("private") || vary.includes(header) || vary.includes("*");
      judge.that(`a response to ${header}`, holds, `Cache-Control: ${cache.join(", ") || "absent"}; Vary: ${vary.join(", ") || "absent"}`);
    }
  },
};

/** What a page must be able to read. */
const exposed = [
  "grpc-status", "grpc-message", "grpc-status-details-bin", "ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after", "www-authenticate", "x-request-id",
];

const crossOrigin: Check = {
  id: "ER-09",
  profile: "smoke",
  over: "once",
  run: async (context, judge) => {
    const { client, settings } = context;
    const { apiKey } = await context.people.as("reader");
    for (const http of ["h1", "h2"] as const) {
      if (!context.variants.some((variant) => variant.http === http)) continue;
      for (const origin of ["https://conformance.invalid", "null", "https://localhost.conformance.invalid"]) {
        for (const [what, verb, extra] of [["a call", "GET", ["x-api-key", apiKey]], ["a preflight", "OPTIONS", ["access-control-request-method", "GET"]]] as const) {
          const { headers } = await client.http({ verb, path: "/v1/auth/me", http, headers: [["origin", origin], extra] });
          const allowed = field(headers, "access-control-allow-origin");
          const withCredentials = field(headers, "access-control-allow-credentials") === "true";
          judge.that(`${what} from ${origin}`, allowed !== origin && !(allowed === "*" && withCredentials), `Access-Control-Allow-Origin: ${allowed}`);
        }
      }
      if (settings.origin === undefined) continue;
      const { headers } = await client.http({ path: "/v1/auth/me", http, headers: [["origin", settings.origin], ["x-api-key", apiKey]] });
      judge.control(`${settings.origin} is allowed`, [settings.origin, "*"].includes(field(headers, "access-control-allow-origin") ?? ""));
      const readable = new Set(fieldList(headers, "access-control-expose-headers").map((name) => name.toLowerCase()));
      judge.equal("headers that a page cannot read", exposed.filter((name) => !readable.has(name)), []);
    }
  },
};

/** The checks of this file. */
export const errorChecks: readonly Check[] = [codesAndStatuses, grpcStatus, oneReason, problemDocuments, noInternals, tooLarge, requestIds, notCached, crossOrigin];
