/** Checks of the gate in front of every method: no credential, too many, in the wrong place, in the wrong spelling. */
import { methods } from "../contract.js";
import { type Check, everyVariant, withStatus } from "../run/check.js";
import type { Context } from "../run/context.js";
import { inParallel } from "../run/parallel.js";
import { carries } from "../wire/client.js";
import { sendRaw } from "../wire/raw.js";
import { type CallResult, type Credential, isGrpcFamily, type Variant } from "../wire/wire.js";
import { challenges, described, refusalFaults } from "./expect.js";
import { sampleOf } from "./samples.js";

const me = "AuthService/GetMe";

/** Calls GetMe with a credential. */
export async function whoAmI({ call }: Context, variant: Variant, credential: Credential | undefined, headers: readonly [string, string][] = []): Promise<CallResult> {
  return await call(variant, me, {}, { credential, headers });
}

const noCredential: Check = {
  id: "AN-01",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const reader = await context.people.as("reader");
    const good = await whoAmI(context, variant, reader.credential);
    judge.control("GetMe with a credential", good.code === "ok", described(good));
    const names = { collection: context.collection, existingUser: reader.username, absent: `${context.namespace}-absent`, expiresAt: 0 };
    const closed = methods.filter((each) => each.facts.role !== "public" && carries(variant, each));
    await inParallel(closed, async (method) => {
      const result = await context.client.call(variant, method, sampleOf(method, names));
      judge.none(method.name, refusalFaults(result, "CREDENTIAL_MISSING"));
    });
  },
};

const challenge: Check = {
  id: "AN-02",
  profile: "smoke",
  over: withStatus,
  run: async (context, judge, variant) => {
    for (const [what, credential] of [["no credential", undefined], ["a wrong one", { bearer: "wrong" }], ["a wrong key", { apiKey: "wrong" }]] as const) {
      const result = await whoAmI(context, variant, credential);
      const found = challenges(result);
      judge.that(`${what}: a challenge`, result.http.status === 401 && found.some((each) => /^[A-Za-z][\w-]*(?: |$)/.test(each)), `HTTP ${result.http.status}, WWW-Authenticate: ${found.join(", ") || "absent"}`);
    }
  },
};

const challengeError: Check = {
  id: "AN-03",
  profile: "smoke",
  over: withStatus,
  run: async (context, judge, variant) => {
    const without = challenges(await whoAmI(context, variant, undefined)).join(", ");
    judge.that("no credential: no error code", without !== "" && !/\berror=/.test(without), without);
    const bad = challenges(await whoAmI(context, variant, { bearer: "wrong" })).join(", ");
    judge.that('bad token: error="invalid_token"', /\berror="invalid_token"/.test(bad), bad || "absent");
  },
};

const insufficientScope: Check = {
  id: "AN-04",
  profile: "smoke",
  over: withStatus,
  run: async (context, judge, variant) => {
    const { credential } = await context.people.as("reader");
    const method = variant.encoding === "connect-get" ? "AuthService/ListUsers" : "DocumentService/Add";
    const result = await context.call(variant, method, method.endsWith("Add") ? { collection: context.collection, key: "denied" } : {}, { credential });
    judge.control("the call is denied", result.code === "permission_denied", described(result));
    judge.that('error="insufficient_scope"', /\berror="insufficient_scope"/.test(challenges(result).join(", ")), challenges(result).join(", ") || "no challenge");
  },
};

/** Bytes that are neither protobuf of a SearchRequest nor JSON nor gzip. */
const garbage = Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7b, 0x22);

const beforeBody: Check = {
  id: "AN-05",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { credential } = await context.people.as("reader");
    const search = "DocumentService/Search";
    const request = { collection: context.collection };
    const good = await context.call(variant, search, request, { credential });
    judge.control("a well-formed search", good.code === "ok", described(good));
    const malformed = await context.call(variant, search, request, { credential, payload: garbage });
    judge.control("a malformed one with a credential reaches the decoder", malformed.code === "invalid_argument", described(malformed));
    for (const [what, options] of [["malformed", {}], ["broken gzip", { gzip: true }], ["a million bytes of nothing", { payload: new Uint8Array(variant.encoding === "connect-get" ? 1_000 : 1_000_000) }]] as const) {
      const result = await context.call(variant, search, request, { payload: garbage, ...options });
      judge.none(what, refusalFaults(result, "CREDENTIAL_MISSING"));
    }
  },
};

const floodBytes = 64 * 1024 * 1024;
/** What the server may discard, and what the buffers of both kernels may hold beside it. */
const floodAccepted = 1024 * 1024 + 15 * 1024 * 1024;

const boundedDiscard: Check = {
  id: "AN-06",
  profile: "smoke",
  lane: "waiting",
  over: ({ encoding, http }) => http === "h1" && encoding !== "connect-get" && encoding !== "grpc-web-text",
  run: async (context, judge, variant) => {
    const { client } = context;
    const { path, type } = longBody(variant);
    const head = (length: number): string => `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
    const waiting = await sendRaw(client.transport, head(floodBytes), { timeoutMs: 10_000 });
    judge.that("a refusal before any byte of the body", isRefusal(waiting.response?.status, variant), `${waiting.end}, HTTP ${waiting.response?.status ?? "none"}`);
    const flooded = await sendRaw(client.transport, head(floodBytes), { timeoutMs: 15_000, flood: { bytesMax: floodBytes } });
    judge.that("a flooding caller reads the refusal", isRefusal(flooded.response?.status, variant), `${flooded.end}, HTTP ${flooded.response?.status ?? "none"}`);
    judge.that("the flood is cut off", flooded.end !== "time-out" && flooded.bytesSent <= floodAccepted, `${flooded.end} after ${flooded.bytesSent} bytes`);
  },
};

function longBody({ encoding }: Variant): { path: string; type: string } {
  const path = "/parapet.document.v1.DocumentService/Add";
  const types: Partial<Record<Variant["encoding"], string>> = { "grpc-web": "application/grpc-web+proto", "connect-proto": "application/proto", "connect-json": "application/json" };
  return { path: encoding === "rest" ? "/v1/add" : path, type: types[encoding] ?? "application/json" };
}

function isRefusal(status: number | undefined, variant: Variant): boolean {
  return status === (isGrpcFamily(variant) ? 200 : 401);
}

const twoCredentials: Check = {
  id: "AN-22",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const [reader, owner] = await Promise.all([context.people.as("reader"), context.people.as("owner")]);
    const one = await whoAmI(context, variant, { bearer: reader.token });
    judge.control("one credential", one.code === "ok", described(one));
    const pairs: [what: string, headers: [string, string][]][] = [
      ["a token and a key of two users", [["authorization", `Bearer ${reader.token}`], ["x-api-key", owner.apiKey]]],
      ["a token and a key of one user", [["authorization", `Bearer ${reader.token}`], ["x-api-key", reader.apiKey]]],
      ["two keys", [["x-api-key", reader.apiKey], ["x-api-key", owner.apiKey]]],
      // Node's HTTP/2 client refuses to repeat this header.
      ...(variant.http === "h1" ? [["two tokens", [["authorization", `Bearer ${reader.token}`], ["authorization", `Bearer ${owner.token}`]]] as [string, [string, string][]]] : []),
    ];
    for (const [what, headers] of pairs) {
      const result = await context.call(variant, me, {}, { headers });
      judge.none(what, refusalFaults(result, "CREDENTIAL_AMBIGUOUS"));
    }
  },
};

const queryCredential: Check = {
  id: "AN-23",
  profile: "smoke",
  over: ({ encoding }) => encoding === "rest" || encoding === "connect-get",
  run: async (context, judge, variant) => {
    const reader = await context.people.as("reader");
    const base = variant.encoding === "rest" ? "/v1/auth/me?" : "/parapet.auth.v1.AuthService/GetMe?connect=v1&encoding=json&message=%7B%7D&";
    const good = await context.client.http({ path: base.slice(0, -1), http: variant.http, headers: [["x-api-key", reader.apiKey]] });
    judge.control("the same call with a header", good.status === 200, `HTTP ${good.status}`);
    for (const name of ["access_token", "token", "api_key", "apikey", "x-api-key", "authorization", "key"]) {
      for (const value of [reader.token, reader.apiKey, `Bearer ${reader.token}`]) {
        const { status } = await context.client.http({ path: `${base}${name}=${encodeURIComponent(value)}`, http: variant.http });
        judge.that(`?${name}=`, status === 401 || status === 400, `HTTP ${status}`);
      }
    }
  },
};

const schemeSpelling: Check = {
  id: "AN-24",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const { token, apiKey } = await context.people.as("reader");
    for (const scheme of ["Bearer", "bearer", "BEARER", "bEaReR"]) {
      const result = await context.call(variant, me, {}, { headers: [["authorization", `${scheme} ${token}`]] });
      judge.that(`${scheme} is the scheme`, result.code === "ok", described(result));
    }
    for (const [what, credential] of [["key in capitals", { apiKey: apiKey.toUpperCase() }], ["token in capitals", { bearer: token.toUpperCase() }], ["token in small letters", { bearer: token.toLowerCase() }]] as const) {
      const result = await whoAmI(context, variant, credential);
      judge.none(what, refusalFaults(result, "apiKey" in credential ? "API_KEY_INVALID" : "TOKEN_INVALID"));
    }
  },
};

/** The checks of this file. */
export const credentialChecks: readonly Check[] = [noCredential, challenge, challengeError, insufficientScope, beforeBody, boundedDiscard, twoCredentials, queryCredential, schemeSpelling];
