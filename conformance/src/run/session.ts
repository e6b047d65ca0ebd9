/** The life of a run around its checks: reach the target, read its claims, make room, and leave nothing behind. */
import { fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { ListApiKeysResponseSchema, ListUsersResponseSchema } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { ListCollectionsResponseSchema } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { type GetCapabilitiesResponse, GetCapabilitiesResponseSchema, ListLimitOverridesResponseSchema } from "@parapet/contract/parapet/system/v1/system_service_pb";
import { methodOf } from "../contract.js";
import type { WireClient } from "../wire/client.js";
import { type CallResult, type Credential, field, NoAnswer, reasonOf, type Variant, variants } from "../wire/wire.js";
import type { Facility } from "./check.js";
import { type Context, createContext, type Settings } from "./context.js";
import { lifetimeSeconds, unlimited } from "./people.js";
import type { Random } from "./random.js";
import { HarnessError } from "./verdict.js";

/** What a session starts from. */
export interface SessionOptions {
  readonly client: WireClient;
  readonly settings: Settings;
  readonly random: Random;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Labels of the ways to call to use; empty: all. */
  readonly protocols: readonly string[];
  /** True if the target's address is of 127.0.0.0/8, so that any other of them can be a source. */
  readonly loopback: boolean;
  readonly log: (line: string) => void;
}

/** Everything a run begins its names with, and what tells one run from another. */
const family = "conf-";
/** Leavings younger than this may belong to a run that is still going. */
const sweepAfterMs = lifetimeSeconds * 1_000;

/** Opens a session: the target answers, the admin is who it says, the suite's own traffic has room. Rejects with NoAnswer or HarnessError. */
export async function openSession(options: SessionOptions): Promise<Context> {
  const { client, settings, random, now, log } = options;
  const health = await client.http({ path: "/health" });
  const date = Date.parse(field(health.headers, "date") ?? "");
  const offsetMs = Number.isNaN(date) ? 0 : date - now();
  // The Date header has whole seconds: smaller differences are no difference.
  const serverNow = (): number => now() + (Math.abs(offsetMs) < 2_000 ? 0 : offsetMs);
  const { claims, control } = await readClaims(client);
  const wanted = variants.filter(({ label }) => options.protocols.length === 0 || options.protocols.includes(label));
  const selected = wanted.filter(({ claim }) => claims.protocols.includes(claim));
  if (selected.length === 0) throw new HarnessError(`no protocol is left: the deployment claims ${claims.protocols.join(", ") || "none"}, the run selected ${options.protocols.join(", ") || "all"}`);
  if (!claims.authentication) throw new HarnessError("the deployment runs without authentication: there is nothing to check");
  const startedAt = new Date(serverNow());
  const namespace = `${family}${startedAt.getTime().toString(36)}-${random.word(4)}`;
  const secrets = new Set([settings.adminPassword]);
  const signedIn = await signIn(client, control, settings, `${namespace}-login`);
  secrets.add(signedIn.token);
  const admin: Credential = { bearer: signedIn.token };
  const facilities = new Set<Facility>(["authentication"]);
  const api = claims.limits.find(({ bucket }) => bucket === "api");
  if (api !== undefined) facilities.add("limits");
  if (api?.key === "user") facilities.add("user limits");
  if (settings.signingKey !== undefined) facilities.add("signing key");
  if (settings.origin !== undefined) facilities.add("allowed origin");
  const parts = { client, settings, claims, facilities, variants: selected, unclaimed: wanted.filter((each) => !selected.includes(each)), control, random, namespace, secrets, admin, startedAt, serverNow };
  const plain = createContext({ ...parts, manySources: false });
  const [record] = await plain.records({ requestId: `${namespace}-login` });
  const source = record?.clientIp ?? "";
  if (source !== "" && facilities.has("limits")) {
    await plain.people.setLimits(`source:${source}`, "api", unlimited);
    await plain.people.setLimits(`user:${settings.adminUser}`, "api", unlimited);
    log(`own traffic: limits of source ${source} and of ${settings.adminUser} lifted for ${lifetimeSeconds} s, audited`);
  }
  const manySources = options.loopback && (await seesSources(plain, random));
  if (manySources) facilities.add("second source address");
  // Without other addresses to log in from, the run's users would spend the strict login budget of the usual one.
  else if (source !== "" && claims.limits.some(({ bucket }) => bucket === "login")) await plain.people.setLimits(`source:${source}`, "login", { requests: 1_000, burst: 0 });
  const context = createContext({ ...parts, manySources });
  for (const id of plain.people.overrides) context.people.overrides.add(id);
  const swept = await sweep(context, (name) => isStale(name, serverNow()));
  if (swept > 0) log(`swept ${swept} leavings of earlier runs`);
  await prepare(context);
  return context;
}

/** Removes everything the run made. Says what it could not. */
export async function closeSession(context: Context, log: (line: string) => void): Promise<void> {
  try {
    await sweep(context, (name) => name.startsWith(context.namespace));
    for (const id of context.people.overrides) {
      await context.call(context.control, "SystemService/DeleteLimitOverride", { id }, { credential: context.admin });
    }
  } catch (error) {
    log(`clean-up failed, ${context.namespace} stays behind: ${(error as Error).message}`);
  }
}

/** Reads the claims over whichever way answers; the same way carries the suite's own calls. */
async function readClaims(client: WireClient): Promise<{ claims: GetCapabilitiesResponse; control: Variant }> {
  const tried: string[] = [];
  for (const label of ["connect-json/h1", "rest/h1", "connect-json/h2", "grpc/h2"]) {
    const control = variants.find((each) => each.label === label)!;
    try {
      const result = await client.call(control, methodOf("SystemService/GetCapabilities"), {});
      if (result.code === "ok") return { claims: fromJson(GetCapabilitiesResponseSchema, result.messages[0] ?? {}, { ignoreUnknownFields: true }), control };
      tried.push(`${label}: ${result.code} ${reasonOf(result)} (HTTP ${result.http.status})`);
    } catch (error) {
      tried.push(`${label}: ${(error as Error).message}`);
    }
  }
  throw new HarnessError(`the target gives no capabilities: ${tried.join("; ")}`);
}

async function signIn(client: WireClient, control: Variant, { adminUser, adminPassword }: Settings, requestId: string): Promise<{ token: string }> {
  const attempt = (): Promise<CallResult> =>
    client.call(control, methodOf("AuthService/Login"), { username: adminUser, password: adminPassword }, { headers: [["x-request-id", requestId]] });
  let result = await attempt();
  const waitSeconds = Number(field(result.http.headers, "retry-after") ?? Number.NaN);
  if (reasonOf(result) === "RATE_LIMITED" && waitSeconds <= 60) {
    await new Promise((resolve) => setTimeout(resolve, waitSeconds * 1_000));
    result = await attempt();
  }
  const token = result.messages[0]?.["token"];
  if (result.code !== "ok" || typeof token !== "string") throw new HarnessError(`login of ${adminUser}: ${result.code} ${reasonOf(result)}`);
  return { token };
}

/** True if a call from another address of this machine is recorded under that address. */
async function seesSources(context: Context, random: Random): Promise<boolean> {
  const source = `127.${1 + random.below(254)}.${random.below(256)}.${1 + random.below(254)}`;
  // None of those that checks will be given: they count the records under theirs.
  const requestId = `${context.namespace}-source`;
  try {
    await context.call(context.control, "AuthService/GetMe", {}, { source, headers: [["x-request-id", requestId]] });
  } catch (error) {
    if (error instanceof NoAnswer) return false;
    throw error;
  }
  const [record] = await context.records({ requestId });
  return record?.clientIp === source;
}

/** The time in a namespace says how old it is. */
function isStale(name: string, nowMs: number): boolean {
  const [, stamp] = new RegExp(`^${family}([0-9a-z]{6,10})-`).exec(name) ?? [];
  return stamp !== undefined && nowMs - Number.parseInt(stamp, 36) > sweepAfterMs;
}

/** Deletes users, collections, the admin's keys and overrides by their names; gives how many. */
async function sweep(context: Context, isOurs: (name: string) => boolean): Promise<number> {
  const { asAdmin } = context;
  const collections = await everyPage(asAdmin, "DocumentService/ListCollections", (page) => fromJson(ListCollectionsResponseSchema, page, lenient).collections.map(({ name }) => name));
  const users = await everyPage(asAdmin, "AuthService/ListUsers", (page) => fromJson(ListUsersResponseSchema, page, lenient).users.map(({ username }) => username));
  const keys = await everyPage(asAdmin, "AuthService/ListApiKeys", (page) => fromJson(ListApiKeysResponseSchema, page, lenient).apiKeys);
  const overrides = await everyPage(asAdmin, "SystemService/ListLimitOverrides", (page) => fromJson(ListLimitOverridesResponseSchema, page, lenient).overrides);
  const calls: [method: string, request: JsonValue][] = [
    ...collections.filter(isOurs).map((collection): [string, JsonValue] => ["DocumentService/DeleteCollection", { collection, force: true }]),
    ...overrides.filter(({ subject }) => isOurs(subject.replace(/^user:/, ""))).map(({ id }): [string, JsonValue] => ["SystemService/DeleteLimitOverride", { id }]),
    ...keys.filter(({ description }) => isOurs(`${description}-`)).map(({ id }): [string, JsonValue] => ["AuthService/DeleteApiKey", { id }]),
    ...users.filter(isOurs).map((username): [string, JsonValue] => ["AuthService/DeleteUser", { username }]),
  ];
  for (const [method, request] of calls) await asAdmin(method, request);
  return calls.length;
}

const lenient = { ignoreUnknownFields: true } as const;

async function everyPage<T>(asAdmin: Context["asAdmin"], method: string, read: (page: JsonObject) => T[]): Promise<T[]> {
  const found: T[] = [];
  let pageToken = "";
  do {
    const page = await asAdmin(method, { pageSize: 1000, pageToken });
    found.push(...read(page));
    pageToken = typeof page["nextPageToken"] === "string" ? page["nextPageToken"] : "";
  } while (pageToken !== "");
  return found;
}

async function prepare({ asAdmin, collection, otherCollection }: Context): Promise<void> {
  for (const each of [collection, otherCollection]) {
    await asAdmin("DocumentService/UpdateCollection", { collection: each, config: { description: "made by a conformance run" } });
    await asAdmin("DocumentService/Add", { collection: each, key: "one", lang: "en", contentMd: `# One of ${each}`, meta: { tag: ["a", "b"] } });
  }
}
