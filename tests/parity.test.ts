/** The same calls over every protocol: same decision, same reason, same audit record, the protocol's name aside. */
import { beforeAll, describe, expect, test } from "vitest";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type ContractMethod, methods as contractMethods } from "../conformance/src/contract.js";
import { carries, createWireClient, type WireClient } from "../conformance/src/wire/client.js";
import { createTransport, type Transport } from "../conformance/src/wire/transport.js";
import { type Credential, reasonOf, type Variant, variants } from "../conformance/src/wire/wire.js";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";

const secret = "correct horse battery staple";

/** Who calls, and how. */
const callers = ["nobody", "forger", "stranger", "reader", "writer", "admin"] as const;
type Caller = (typeof callers)[number];

/** One request a method that its rules accept, in an order in which all of them can succeed. */
const samples: readonly (readonly [method: string, request: JsonValue])[] = [
  ["SystemService/GetHealth", {}],
  ["SystemService/GetReadiness", {}],
  ["SystemService/GetCapabilities", {}],
  ["SystemService/GetComplianceStatus", {}],
  ["SystemService/GetMetrics", {}],
  ["AuthService/Login", { username: "writer", password: secret }],
  ["AuthService/GetMe", {}],
  ["AuthService/Register", { username: "new|/\u0000😀", password: secret }],
  ["AuthService/ListUsers", {}],
  ["AuthService/SetPermission", { username: "new|/\u0000😀", collection: "docs", read: true }],
  ["AuthService/ListPermissions", { username: "new|/\u0000😀" }],
  ["AuthService/DeletePermission", { username: "new|/\u0000😀", collection: "docs" }],
  ["AuthService/UpdateUser", { username: "new|/\u0000😀", disabled: true }],
  ["AuthService/DeleteUser", { username: "new|/\u0000😀" }],
  ["AuthService/CreateApiKey", { description: "CI", scopes: [{ collection: "docs", read: true }] }],
  ["AuthService/ListApiKeys", {}],
  ["AuthService/DeleteApiKey", { id: "key_none" }],
  ["DocumentService/Add", { collection: "docs", key: "a/b|c", lang: "en", meta: { tag: ["x", "y"] }, contentMd: "# A" }],
  ["DocumentService/AddBatch", { collection: "docs", documents: [{ key: "b1" }, { key: "b2", lang: "de" }] }],
  ["DocumentService/Get", { collection: "docs", key: "a/b|c", lang: "en" }],
  ["DocumentService/Search", { collection: "docs", limit: 2, sort: "key", asc: true }],
  ["DocumentService/Update", { collection: "docs", key: "a/b|c", lang: "en", contentMd: "# B" }],
  ["DocumentService/ListRevisions", { collection: "docs", key: "a/b|c", lang: "en" }],
  ["DocumentService/RestoreRevision", { collection: "docs", key: "a/b|c", lang: "en", revision: 1 }],
  ["DocumentService/Export", { collection: "docs" }],
  ["DocumentService/ExportArchive", { collection: "docs" }],
  ["DocumentService/Import", { collection: "docs", document: { key: "imported", contentMd: "# I" } }],
  ["DocumentService/GetStats", { collection: "docs" }],
  ["DocumentService/GetChecksum", { collection: "docs" }],
  ["DocumentService/ListCollections", {}],
  ["DocumentService/GetCollection", { collection: "docs" }],
  ["DocumentService/UpdateCollection", { collection: "docs", config: { description: "d", revisionsMax: 5 } }],
  ["DocumentService/DeleteBatch", { collection: "docs", documents: [{ key: "b1" }] }],
  ["DocumentService/Delete", { collection: "docs", key: "a/b|c", lang: "en" }],
  ["DocumentService/DeleteCollection", { collection: "docs", force: true }],
  ["AuditService/ListAuditRecords", { limit: 1 }],
  ["SystemService/SetLimitOverride", { subject: "user:writer", requests: 10, lifetime: "60s" }],
  ["SystemService/ListLimitOverrides", {}],
  ["SystemService/DeleteLimitOverride", { id: "lim_none" }],
  ["AuthService/ChangePassword", { currentPassword: "wrong", newPassword: secret }],
];

/** Requests that break a rule, or name what is not there. */
const faulty: readonly (readonly [method: string, request: JsonValue])[] = [
  ["DocumentService/Get", { collection: "docs", key: "absent" }],
  ["DocumentService/Get", { collection: "docs", key: "" }],
  ["DocumentService/Get", { collection: "nowhere", key: "k" }],
  ["DocumentService/Search", { collection: "docs", limit: -1 }],
  ["DocumentService/Search", { collection: "docs", sort: "size" }],
  ["DocumentService/Search", { collection: "docs", pageToken: "forged" }],
  ["DocumentService/Add", { collection: "docs", key: "k", meta: { n: [1] } }],
  ["DocumentService/Add", { collection: "docs", key: "k".repeat(513) }],
  ["DocumentService/Add", { collection: "docs", key: "cond", etag: "not-there" }],
  ["DocumentService/Import", { collection: "" }],
  ["DocumentService/Export", { collection: "" }],
  ["AuthService/Login", { username: "writer", password: "wrong" }],
  ["AuthService/Login", { username: "nobody-of-that-name", password: "wrong" }],
  ["AuthService/Register", { username: "", password: "" }],
  ["AuthService/SetPermission", { username: "ghost", collection: "docs", read: true }],
  ["SystemService/SetLimitOverride", { subject: "nonsense", requests: 0 }],
];

interface Run {
  readonly server: TestServer;
  readonly transport: Transport;
  readonly client: WireClient;
  readonly credentials: Readonly<Record<Caller, Credential | undefined>>;
}

const observed = variants.filter(({ label }) => !label.startsWith("rest/h2"));
const baseline = observed.find(({ label }) => label === "connect-json/h1")!;
const methods = new Map<string, ContractMethod>(contractMethods.map((method) => [`${method.desc.parent.name}/${method.desc.name}`, method]));

async function open(): Promise<Run> {
  const server = await startTestServer({ PARAPET_RATE_LIMIT_ENABLED: "false" });
  const transport = createTransport({ authority: `127.0.0.1:${server.port}`, hostname: "127.0.0.1", address: "127.0.0.1", port: server.port, tls: false, ca: undefined });
  const client = createWireClient(transport, 20_000);
  const post = async (path: string, body: JsonValue, token?: string): Promise<JsonObject> => {
    const response = await fetch(`${server.url}${path}`, { method: "POST", headers: { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }, body: JSON.stringify(body) });
    return (await response.json()) as JsonObject;
  };
  const login = async (username: string, password: string): Promise<string> => (await post("/v1/auth/login", { username, password }))["token"] as string;
  const admin = await login(server.adminUser, server.adminPassword);
  const tokens: Record<string, string> = {};
  for (const name of ["stranger", "reader", "writer"]) {
    await post("/v1/auth/register", { username: name, password: secret }, admin);
    tokens[name] = await login(name, secret);
  }
  await post("/v1/auth/permissions", { username: "reader", collection: "docs", read: true }, admin);
  await post("/v1/auth/permissions", { username: "writer", collection: "docs", read: true, write: true }, admin);
  await post("/v1/add", { collection: "docs", key: "first", contentMd: "# First" }, admin);
  return {
    server,
    transport,
    client,
    credentials: { nobody: undefined, forger: { bearer: "eyJhbGciOiJub25lIn0.e30." }, stranger: { bearer: tokens["stranger"]! }, reader: { bearer: tokens["reader"]! }, writer: { bearer: tokens["writer"]! }, admin: { bearer: admin } },
  };
}

/** What two protocols must agree on. Ids, times and pseudonyms are each server's own. */
function masked(value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined) return undefined;
  const text = JSON.stringify(value)
    .replaceAll(/\b(usr|tok|key|lim)_[0-9a-f]{16,}/g, "$1_*")
    .replaceAll(/~[\w-]{16}/g, "~*")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "(time)");
  return JSON.parse(text) as JsonValue;
}

interface Observation {
  readonly code: string;
  readonly reason: string;
  readonly messages: number;
  /** What the log holds of the call. */
  readonly records: JsonValue | undefined;
}

const perCall = new Set(["sequence", "time", "protocol", "credentialId", "requestId"]);

async function observe(run: Run, variant: Variant, name: string, request: JsonValue, caller: Caller, requestId: string): Promise<Omit<Observation, "records">> {
  const result = await run.client.call(variant, methods.get(name)!, request, { credential: run.credentials[caller], headers: [["x-request-id", requestId], ["user-agent", "parity"]] });
  return { code: result.code, reason: reasonOf(result), messages: result.messages.length };
}

/** The records of all calls, by their request id. A record is written before its answer, so that none is missing. */
async function recordsOf(run: Run): Promise<Map<string, JsonValue[]>> {
  const byRequest = new Map<string, JsonValue[]>();
  for (let pageToken = ""; ; ) {
    const page = await fetch(`${run.server.url}/v1/audit?limit=1000&pageToken=${encodeURIComponent(pageToken)}`, { headers: { authorization: `Bearer ${(run.credentials.admin as { bearer: string }).bearer}` } });
    const { records, nextPageToken } = (await page.json()) as { records: JsonObject[]; nextPageToken: string };
    for (const record of records) {
      const kept = Object.fromEntries(Object.entries(record).filter(([field]) => !perCall.has(field)));
      const id = record["requestId"] as string;
      byRequest.set(id, [...(byRequest.get(id) ?? []), masked(kept)!]);
    }
    if (nextPageToken === "") return byRequest;
    pageToken = nextPageToken;
  }
}

/** REST names the object in the path, and an empty name has no path. */
function hasPath({ encoding }: Variant, { bindings }: ContractMethod, request: JsonObject): boolean {
  return encoding !== "rest" || bindings[0]!.variables.every((name) => (request[name] ?? "") !== "");
}

/** The whole script on a server of its own. */
async function play(variant: Variant): Promise<Map<string, Observation>> {
  const run = await open();
  const seen = new Map<string, Omit<Observation, "records"> & { readonly requestId: string }>();
  let count = 0;
  try {
    for (const caller of callers) {
      // What an empty request meets depends on the caller's standing alone; three of the six show it.
      const empty = ["nobody", "reader", "admin"].includes(caller) ? samples.map(([method]) => [method, {}] as const) : [];
      for (const [name, request] of [...empty, ...faulty, ...samples]) {
        count++;
        // A method that this protocol cannot carry is called by another, so that all servers are in the same state.
        const carrier = carries(variant, methods.get(name)!) && hasPath(variant, methods.get(name)!, request as JsonObject) ? variant : baseline;
        const requestId = `parity-${count}`;
        const observation = await observe(run, carrier, name, request, caller, requestId);
        if (carrier === variant) seen.set(`${count} ${caller} ${name} ${JSON.stringify(request).slice(0, 80)}`, { ...observation, requestId });
      }
    }
    const records = await recordsOf(run);
    return new Map([...seen].map(([call, { requestId, ...observation }]) => [call, { ...observation, records: records.get(requestId) ?? [] }]));
  } finally {
    run.transport.close();
    await run.server.close();
  }
}

let expected: Map<string, Observation>;
beforeAll(async () => {
  expected = await play(baseline);
}, 120_000);

test("the script covers every method of the contract", () => {
  expect(new Set(samples.map(([name]) => name))).toEqual(new Set(methods.keys()));
});

test("the baseline holds refusals and successes, each with its record", () => {
  const all = [...expected.values()];
  expect(all.map(({ reason }) => reason)).not.toContain("INTERNAL");
  expect(all.filter(({ code }) => code === "ok").length).toBeGreaterThan(40);
  for (const [name, { code, records }] of expected) {
    const exempt = /SystemService\/Get/.test(name);
    if (code !== "ok" && !exempt) expect(records, name).toHaveLength(1);
  }
});

describe.each(observed.filter((variant) => variant !== baseline).map((variant) => [variant.label, variant] as const))("%s", (_label, variant) => {
  test("decides, answers and records as connect-json does", { timeout: 120_000 }, async () => {
    const seen = await play(variant);
    expect(seen.size).toBeGreaterThan(50);
    const differences = [...seen].filter(([name, observation]) => JSON.stringify(observation) !== JSON.stringify(expected.get(name)));
    expect(Object.fromEntries(differences.map(([name, observation]) => [name, observation]))).toEqual(Object.fromEntries(differences.map(([name]) => [name, expected.get(name)])));
  });
});
