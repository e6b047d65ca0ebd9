/** Checks of what credentials and passwords go through: made, listed, narrowed, revoked, guessed. */
import type { JsonObject } from "@bufbuild/protobuf";
import { canWrite, type Check, everyVariant } from "../run/check.js";
import type { Context } from "../run/context.js";
import type { Person } from "../run/people.js";
import type { Judge } from "../run/verdict.js";
import { textOf } from "../wire/status.js";
import { type CallResult, type Credential, field, reasonOf } from "../wire/wire.js";
import { whoAmI } from "./credentials.js";
import { described, refusalFaults } from "./expect.js";
import { partsOf, withUnusedBits } from "./token-maker.js";

/** Expects a credential to work over every protocol; a control. */
async function worksEverywhere(context: Context, judge: Judge, what: string, credential: Credential): Promise<void> {
  for (const variant of context.variants) {
    const result = await whoAmI(context, variant, credential);
    judge.control(`${what} over ${variant.label}`, result.code === "ok", described(result));
  }
}

/** Expects the very next request over every protocol to be refused. */
async function refusedEverywhere(context: Context, judge: Judge, what: string, credential: Credential, reason: string): Promise<void> {
  for (const variant of context.variants) {
    const result = await whoAmI(context, variant, credential);
    judge.none(`${what} over ${variant.label}`, refusalFaults(result, reason));
  }
}

/** Other spellings of a token that stand for the same bytes. */
function respelled(token: string): string[] {
  const parts = partsOf(token);
  if (parts === undefined) return [];
  const { header, claims, signature } = parts.text;
  const other = withUnusedBits(signature);
  return [`${token}=`, `${header}.${claims}=.${signature}`, ...(other === undefined ? [] : [`${header}.${claims}.${other}`])];
}

const malleation: Check = {
  id: "AN-20",
  profile: "smoke",
  over: "once",
  run: async (context, judge) => {
    const person = await context.people.make("malleable", { limits: "unlimited" });
    await worksEverywhere(context, judge, "the token", { bearer: person.token });
    await context.asAdmin("AuthService/UpdateUser", { username: person.username, disabled: true });
    for (const token of [person.token, ...respelled(person.token)]) await refusedEverywhere(context, judge, "a spelling of the revoked token", { bearer: token }, "TOKEN_INVALID");
  },
};

const revocation: Check = {
  id: "AN-21",
  profile: "smoke",
  over: "once",
  run: async (context, judge) => {
    const person = await context.people.make("revoked", { limits: "unlimited" });
    const { apiKey, username, token } = person;
    await worksEverywhere(context, judge, "the key", { apiKey });
    await worksEverywhere(context, judge, "the token", { bearer: token });
    await context.asAdmin("AuthService/DeleteApiKey", { id: await keyIdOf(context, person) });
    await refusedEverywhere(context, judge, "the revoked key", { apiKey }, "API_KEY_INVALID");
    await context.asAdmin("AuthService/UpdateUser", { username, disabled: true });
    await refusedEverywhere(context, judge, "a disabled user's token", { bearer: token }, "TOKEN_INVALID");
    const gone = await context.people.make("deleted", { limits: "unlimited" });
    await worksEverywhere(context, judge, "the other key", { apiKey: gone.apiKey });
    await context.asAdmin("AuthService/DeleteUser", { username: gone.username });
    await refusedEverywhere(context, judge, "a deleted user's key", { apiKey: gone.apiKey }, "API_KEY_INVALID");
    await refusedEverywhere(context, judge, "a deleted user's token", { bearer: gone.token }, "TOKEN_INVALID");
  },
};

async function keysOf(context: Context, { username }: Person): Promise<JsonObject[]> {
  const { apiKeys } = await context.asAdmin("AuthService/ListApiKeys", { username });
  return apiKeys as JsonObject[];
}

async function keyIdOf(context: Context, person: Person): Promise<string> {
  return textOf((await keysOf(context, person))[0]?.["id"]);
}

/** Long enough that an algorithm with a limit of 72 bytes would cut it, with letters that have two spellings. */
const stem = `${"Correct horse battery staple. ".repeat(3)}caf\u00e9 `;

const exactPasswords: Check = {
  id: "AN-25",
  profile: "smoke",
  over: "once",
  run: async (context, judge) => {
    const password = `${stem}${context.random.word(12)}Z`;
    const { username } = await context.people.make("exact", { limits: "unlimited", password });
    const others: [what: string, password: string][] = [
      ["another end behind 72 bytes", `${password.slice(0, -1)}Y`],
      ["capitals", password.toUpperCase()],
      ["decomposed letters", password.normalize("NFD")],
      ["a space more", `${password} `],
      ["a NUL more", `${password}\0`],
    ];
    for (const [what, wrong] of others) {
      const result = await context.people.login(username, wrong, { source: context.freshSource() });
      judge.none(what, refusalFaults(result, "LOGIN_FAILED"));
    }
  },
};

const longPasswords: Check = {
  id: "AN-26",
  profile: "smoke",
  over: "once",
  run: async (context, judge) => {
    for (const length of [64, 200]) {
      const password = context.random.word(length);
      const person = await context.people.make("long", { limits: "unlimited", password });
      judge.that(`a password of ${length} letters`, person.token !== "");
      const shorter = await context.people.login(person.username, password.slice(0, -1), { source: context.freshSource() });
      judge.none(`its first ${length - 1}`, refusalFaults(shorter, "LOGIN_FAILED"));
    }
    const tooLong = await context.call(context.control, "AuthService/Register", { username: context.name("too-long"), password: "x".repeat(100_000) }, { credential: context.admin });
    judge.none("a password of 100,000 letters", refusalFaults(tooLong, "FIELD_INVALID"));
  },
};

/** Header fields that differ between two calls by nature. */
const passing = new Set(["date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit", "keep-alive"]);

function comparable({ code, error, http, variant }: CallResult, requestId: string): string {
  const headers = [...http.headers, ...http.trailers].filter(([name]) => !passing.has(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  // A details-bin trailer may hold nothing personal; of a body the request id is the only part that may differ.
  const body = variant.encoding === "grpc-web-text" ? "" : Buffer.from(http.body).toString("latin1").replaceAll(requestId, "*");
  return JSON.stringify([code, error?.message, error?.reasons, http.status, headers, body]);
}

const equalFailures: Check = {
  id: "AN-27",
  profile: "smoke",
  over: canWrite,
  needs: ["second source address"],
  run: async (context, judge, variant) => {
    const known = await context.people.as("reader");
    const disabled = await disabledUser(context);
    const source = context.freshSource();
    const attempt = async (username: string, password: string): Promise<string> => {
      const requestId = context.requestId();
      const result = await context.call(variant, "AuthService/Login", { username, password }, { source, headers: [["x-request-id", requestId]] });
      judge.none("a failed login", refusalFaults(result, "LOGIN_FAILED"));
      return comparable(result, requestId);
    };
    // Names of one length, so that nothing that echoes them hides.
    const absent = `${known.username.slice(0, -1)}~`;
    const reference = await attempt(known.username, "wrong password");
    judge.equal("unknown user and wrong password", await attempt(absent, "wrong password"), reference);
    judge.equal("disabled user and wrong password", await attempt(disabled.username, disabled.password), reference);
  },
};

/** One disabled user for all protocols. */
function disabledUser({ people, asAdmin }: Context): Promise<Person> {
  return people.shared("disabled", { limits: "default" }, ({ username }) => asAdmin("AuthService/UpdateUser", { username, disabled: true }));
}

const guessing: Check = {
  id: "AN-29",
  profile: "smoke",
  lane: "waiting",
  over: "once",
  needs: ["limits", "second source address"],
  run: async (context, judge) => {
    const login = context.claims.limits.find(({ bucket }) => bucket === "login");
    if (login === undefined || login.requests > 60) return judge.notClaimed("a login limit of at most 60");
    const windowSeconds = Number(login.window?.seconds ?? 60n);
    const victim = await context.people.make("victim", { limits: "default" });
    const oneSource = context.freshSource();
    await guess(context, judge, "one source, many names", login.requests, windowSeconds, (index) => ({ username: `${context.namespace}-guess-${index}`, source: oneSource }));
    await guess(context, judge, "one name, many sources", login.requests, windowSeconds, () => ({ username: victim.username, source: context.freshSource() }));
    const unknown = context.name("unknown");
    await guess(context, judge, "one unknown name, many sources", login.requests, windowSeconds, () => ({ username: unknown, source: context.freshSource() }));
  },
};

/** Guesses until refused: never more than the limit is tried, and the wait that is named ends within the window. */
async function guess(context: Context, judge: Judge, what: string, limit: number, windowSeconds: number, next: (index: number) => { username: string; source: string | undefined }): Promise<void> {
  let tried = 0;
  const startedAtMs = performance.now();
  for (let index = 0; index < limit + 3; index++) {
    const { username, source } = next(index);
    const result = await context.people.login(username, "a wrong guess", { source });
    if (reasonOf(result) === "LOGIN_FAILED") {
      tried++;
      continue;
    }
    judge.none(`${what}: the refusal`, refusalFaults(result, "RATE_LIMITED"));
    const retryAfter = Number(field(result.http.headers, "retry-after") ?? Number.NaN);
    judge.that(`${what}: nobody is locked out for longer than the window`, retryAfter >= 1 && retryAfter <= windowSeconds, `Retry-After ${retryAfter}`);
  }
  if ((performance.now() - startedAtMs) / 1_000 >= windowSeconds) return judge.doubt(`${what}: the guesses took longer than the window`);
  judge.that(`${what}: at most ${limit} guesses in ${windowSeconds} s`, tried <= limit, `${tried} were tried`);
  judge.control(`${what}: guesses are tried at all`, tried > 0);
}

const keyShape: Check = {
  id: "AN-31",
  profile: "smoke",
  over: "once",
  run: async (context, judge) => {
    const { apiKey } = await context.people.as("reader");
    judge.that("a fixed prefix", /^[a-z]+(?:_[a-z]+)*_[0-9A-Za-z]{32,}$/.test(apiKey), `${apiKey.slice(0, 14)}…`);
    const typo = apiKey.slice(0, -1) + (apiKey.endsWith("0") ? "1" : "0");
    const result = await whoAmI(context, context.control, { apiKey: typo });
    judge.none("a typo", refusalFaults(result, "API_KEY_INVALID"));
  },
};

const keyShownOnce: Check = {
  id: "AN-32",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const reader = await context.people.as("reader");
    const result = await context.call(variant, "AuthService/ListApiKeys", {}, { credential: reader.credential });
    const keys = (result.messages[0]?.["apiKeys"] ?? []) as JsonObject[];
    judge.control("the list has the key", keys.length >= 1, described(result));
    judge.that("no text of the key", !JSON.stringify(result.messages).includes(reader.apiKey) && !Buffer.from(result.http.body).toString("latin1").includes(reader.apiKey));
    const shown = keys.map(({ prefix, last4 }) => [textOf(prefix), textOf(last4)] as const);
    judge.that("prefix and last four", shown.some(([prefix, last4]) => prefix !== "" && reader.apiKey.startsWith(prefix) && last4.length === 4 && reader.apiKey.endsWith(last4)), JSON.stringify(shown));
    judge.that("no more than that", shown.every(([prefix]) => prefix.length <= 16), JSON.stringify(shown));
  },
};

const narrowedKeys: Check = {
  id: "AN-33",
  profile: "smoke",
  lane: "waiting",
  over: "once",
  run: async (context, judge) => {
    const { collection, otherCollection } = context;
    const rights = { read: true, write: true };
    const { token } = await context.people.make("narrowed", { limits: "unlimited", grants: [{ collection, ...rights }, { collection: otherCollection, ...rights }] });
    const mint = async (request: JsonObject): Promise<Credential> => {
      const result = await context.call(context.control, "AuthService/CreateApiKey", { description: context.namespace, ...request }, { credential: { bearer: token } });
      const apiKey = textOf(result.messages[0]?.["key"]);
      judge.control("a narrowed key", apiKey !== "", described(result));
      context.secrets.add(apiKey);
      return { apiKey };
    };
    // The shortest life that still leaves time to see it work.
    const endsAt = Math.floor(context.serverNow() / 1_000) + 4;
    const [readOnly, elsewhere, mortal] = [await mint({ scopes: [{ collection, read: true }] }), await mint({ scopes: [{ collection: otherCollection, read: true, write: true }] }), await mint({ expiresAt: endsAt })];
    const firstOfMortal = await whoAmI(context, context.control, mortal);
    if (context.serverNow() < endsAt * 1_000) judge.control("a key before its end", firstOfMortal.code === "ok", described(firstOfMortal));
    for (const variant of context.variants) {
      const get = { collection, key: "one", lang: "en" };
      const read = await context.call(variant, "DocumentService/Get", get, { credential: readOnly });
      judge.control(`reading over ${variant.label}`, read.code === "ok", described(read));
      const foreign = await context.call(variant, "DocumentService/Get", get, { credential: elsewhere });
      judge.none(`a scope on another collection over ${variant.label}`, refusalFaults(foreign, "PERMISSION_MISSING"));
      if (variant.encoding === "connect-get") continue;
      const written = await context.call(variant, "DocumentService/Add", { collection, key: "narrowed" }, { credential: readOnly });
      judge.none(`writing with a scope to read over ${variant.label}`, refusalFaults(written, "PERMISSION_MISSING"));
    }
    await context.wait(Math.max(0, endsAt * 1_000 + 200 - context.serverNow()));
    // The target's clock is known to a second or two only.
    for (let left = 8; left > 0 && (await whoAmI(context, context.control, mortal)).code === "ok"; left--) await context.wait(500);
    await refusedEverywhere(context, judge, "a key behind its end", mortal, "API_KEY_INVALID");
  },
};

/** The checks of this file. */
export const lifecycleChecks: readonly Check[] = [malleation, revocation, exactPasswords, longPasswords, equalFailures, guessing, keyShape, keyShownOnce, narrowedKeys];
