/** Servers that break one property each are caught by the check of that property, and by a failure rather than an error. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";
import { conform, faultsOf } from "./conform.js";
import { headerOf, type ProxiedRequest, type ProxiedResponse, type Proxy, setHeader, startProxy, type Tampering } from "./tampering-proxy.js";

type Json = { [name: string]: unknown };

/** A broken server: the requirement it breaks, how, and the protocols to look at. */
interface Mutant {
  readonly id: string;
  readonly what: string;
  readonly tampering: () => Tampering;
  readonly protocols?: string;
}

const both = "connect-json/h1,rest/h1";

function jsonOf({ body }: { readonly body: Buffer }): Json {
  return JSON.parse(body.toString("utf8")) as Json;
}

function setJson(message: { body: Buffer }, json: Json): void {
  message.body = Buffer.from(JSON.stringify(json));
}

function answer(status: number, json: Json, type = "application/json"): ProxiedResponse {
  return { status, headers: [["content-type", type]], body: Buffer.from(JSON.stringify(json)) };
}

const hasCredential = (request: ProxiedRequest): boolean => headerOf(request, "authorization") !== undefined || headerOf(request, "x-api-key") !== undefined;
const isLog = ({ path }: ProxiedRequest): boolean => path.startsWith("/v1/audit") || path.endsWith("/ListAuditRecords");

/** Changes the records of a page of the log. */
function onRecords(change: (records: Json[]) => Json[]): Tampering {
  return {
    response: (response, request) => {
      if (!isLog(request) || response.status !== 200) return;
      const page = jsonOf(response);
      setJson(response, { ...page, records: change((page["records"] ?? []) as Json[]) });
    },
  };
}

/** Gives every answer of one kind another status. */
function status(from: number, to: number): Tampering {
  return { response: (response) => void (response.status = response.status === from ? to : response.status) };
}

/** The header part of a bearer token. */
function tokenHeader(request: ProxiedRequest): Json {
  try {
    return JSON.parse(Buffer.from(headerOf(request, "authorization")!.split(" ")[1]!.split(".")[0]!, "base64url").toString("utf8")) as Json;
  } catch {
    return {};
  }
}

const mutants: readonly Mutant[] = [
  { id: "AN-01", what: "calls without a credential act as the admin", tampering: () => ({ request: (request, { adminToken }) => void (hasCredential(request) || /login/i.test(request.path) || setHeader(request, "authorization", `Bearer ${adminToken}`)) }) },
  { id: "AN-01", what: "a refusal without a credential is 403", tampering: () => status(401, 403) },
  { id: "AN-02", what: "401 without WWW-Authenticate", tampering: () => ({ response: (response) => setHeader(response, "www-authenticate") }) },
  { id: "AN-03", what: "a challenge with an error for everybody", tampering: () => ({ response: (response) => void (response.status === 401 && setHeader(response, "www-authenticate", 'Bearer error="invalid_token"')) }) },
  {
    id: "AN-05",
    what: "the body is parsed before the caller is known",
    tampering: () => ({
      request: (request) => {
        if (request.body.length === 0 || hasCredential(request)) return undefined;
        try {
          JSON.parse(request.body.toString("utf8"));
          return undefined;
        } catch {
          return answer(400, { code: "invalid_argument", message: "Unexpected token", reason: "REQUEST_MALFORMED" });
        }
      },
    }),
  },
  {
    id: "AN-07",
    what: "tokens with alg none are believed",
    tampering: () => ({ request: (request, { adminToken }) => void (/^none$/i.test(String(tokenHeader(request)["alg"])) && setHeader(request, "authorization", `Bearer ${adminToken}`)) }),
  },
  {
    id: "AN-19",
    what: "padding of a signature is dropped",
    tampering: () => ({ request: (request) => setHeader(request, "authorization", headerOf(request, "authorization")?.replace(/=+$/, "")) }),
  },
  {
    id: "AN-21",
    what: "a verdict on a credential is remembered for ever",
    tampering: () => {
      const known = new Map<string, ProxiedResponse>();
      const keyOf = (request: ProxiedRequest): string | undefined => (/auth\/me$|\/GetMe/.test(request.path) && hasCredential(request) ? `${request.path} ${headerOf(request, "authorization")} ${headerOf(request, "x-api-key")}` : undefined);
      return {
        request: (request) => {
          const kept = known.get(keyOf(request) ?? "");
          return kept && { ...kept, headers: [...kept.headers] };
        },
        response: (response, request) => {
          const key = keyOf(request);
          if (key !== undefined && response.status === 200) known.set(key, { ...response, headers: [...response.headers] });
        },
      };
    },
  },
  { id: "AN-22", what: "of two credentials the second is dropped", tampering: () => ({ request: (request) => void (headerOf(request, "authorization") !== undefined && setHeader(request, "x-api-key")) }) },
  {
    id: "AN-23",
    what: "a token in the query is believed",
    tampering: () => ({
      request: (request) => {
        const url = new URL(request.path, "http://x");
        const token = url.searchParams.get("access_token");
        if (token === null) return;
        url.searchParams.delete("access_token");
        request.path = url.pathname + url.search;
        setHeader(request, "authorization", `Bearer ${token.replace(/^Bearer /, "")}`);
      },
    }),
    protocols: "rest/h1,connect-get/h1",
  },
  { id: "AN-24", what: "only `Bearer` is a scheme", tampering: () => ({ request: (request) => void (/^(?!Bearer )/.test(headerOf(request, "authorization") ?? "Bearer ") && setHeader(request, "authorization")) }) },
  {
    id: "AN-27",
    what: "an unknown user is told so",
    tampering: () => ({
      response: (response, request) => {
        if (!/login$/i.test(request.path) || response.status !== 401 || !String(jsonOf(request)["username"]).includes("~")) return;
        setJson(response, { ...jsonOf(response), message: "no such user", detail: "no such user" });
      },
    }),
  },
  {
    id: "AN-32",
    what: "the list of keys shows the key that asks",
    tampering: () => ({
      response: (response, request) => {
        if (!/api-keys|ListApiKeys/.test(request.path) || response.status !== 200) return;
        const page = jsonOf(response);
        const keys = (page["apiKeys"] as Json[]).map((key) => ({ ...key, description: headerOf(request, "x-api-key") ?? "" }));
        setJson(response, { ...page, apiKeys: keys });
      },
    }),
  },
  {
    id: "AZ-02",
    what: "readers may list users",
    tampering: () => ({ request: (request, { adminToken }) => {
      if (!/auth\/users$|\/ListUsers$/.test(request.path.split("?")[0]!) || headerOf(request, "x-api-key") === undefined) return;
      setHeader(request, "x-api-key");
      setHeader(request, "authorization", `Bearer ${adminToken}`);
    } }),
  },
  {
    id: "AZ-03",
    what: "a denied change is made all the same",
    tampering: () => ({
      response: async (response, request, { adminToken, forward }) => {
        if (response.status !== 403 || !/\/Add$|\/v1\/add$/.test(request.path)) return;
        const again = { ...request, headers: [...request.headers] };
        setHeader(again, "x-api-key");
        setHeader(again, "authorization", `Bearer ${adminToken}`);
        await forward(again);
      },
    }),
  },
  {
    id: "AZ-05",
    what: "what does not exist is told to strangers",
    tampering: () => ({
      response: (response, request) => {
        if (response.status !== 403 || !/two/.test(request.path + request.body.toString("utf8"))) return;
        response.status = 404;
        setJson(response, { ...jsonOf(response), code: "not_found" });
      },
    }),
  },
  {
    id: "AZ-12",
    what: "paths are tidied up before they are looked up",
    tampering: () => ({ request: (request) => void (request.path = request.path.replace(/\/{2,}/g, "/").replace(/(?<=.)\/(?=$|\?)/, "")) }),
  },
  {
    id: "AZ-14",
    what: "GET calls any method",
    tampering: () => ({
      request: (request) => {
        const url = new URL(request.path, "http://x");
        if (request.verb !== "GET" || url.searchParams.get("connect") !== "v1") return;
        Object.assign(request, { verb: "POST", path: url.pathname, body: Buffer.from(url.searchParams.get("message") ?? "{}") });
        setHeader(request, "content-type", "application/json");
      },
    }),
    protocols: "connect-json/h1,connect-get/h1",
  },
  {
    id: "AZ-15",
    what: "a header says who is admin",
    tampering: () => ({ request: (request, { adminToken }) => {
      if (headerOf(request, "x-role") !== "admin") return;
      setHeader(request, "x-api-key");
      setHeader(request, "authorization", `Bearer ${adminToken}`);
    } }),
  },
  { id: "ER-01", what: "not found is 400", tampering: () => status(404, 400) },
  {
    id: "ER-03",
    what: "one protocol has reasons of its own",
    tampering: () => ({ response: (response) => {
      if (!/problem\+json/.test(headerOf(response, "content-type") ?? "")) return;
      setJson(response, { ...jsonOf(response), reason: "ERROR" });
    } }),
  },
  { id: "ER-04", what: "problems are plain JSON", tampering: () => ({ response: (response) => void (response.status >= 400 && setHeader(response, "content-type", "application/json")) }) },
  {
    id: "ER-05",
    what: "errors show a stack",
    tampering: () => ({ response: (response) => {
      if (response.status !== 400) return;
      setJson(response, { ...jsonOf(response), message: "Error\n    at parse (/srv/app/server.js:10:5)", detail: "Error\n    at parse (/srv/app/server.js:10:5)" });
    } }),
  },
  { id: "ER-07", what: "answers have no request id", tampering: () => ({ response: (response) => setHeader(response, "x-request-id") }) },
  { id: "ER-08", what: "answers may be cached", tampering: () => ({ response: (response) => setHeader(response, "cache-control", "public, max-age=60") }) },
  {
    id: "ER-09",
    what: "every origin is reflected",
    tampering: () => ({ response: (response, request) => {
      setHeader(response, "access-control-allow-origin", headerOf(request, "origin"));
      setHeader(response, "access-control-allow-credentials", "true");
    } }),
  },
  {
    id: "RL-04",
    what: "REST has no budget",
    tampering: () => ({ request: (request, { adminToken }) => {
      if (request.path !== "/v1/auth/me") return;
      setHeader(request, "x-api-key");
      setHeader(request, "authorization", `Bearer ${adminToken}`);
    } }),
  },
  { id: "RL-09", what: "over budget is 503", tampering: () => status(429, 503) },
  { id: "RL-10", what: "the wait that is named is too short", tampering: () => ({ response: (response) => void (response.status === 429 && setHeader(response, "retry-after", "0")) }) },
  { id: "RL-11", what: "RateLimit in the form of an old draft", tampering: () => ({ response: (response) => setHeader(response, "ratelimit", "limit=100, remaining=50, reset=30") }) },
  { id: "RL-17", what: "a refusal over budget may be cached", tampering: () => ({ response: (response) => setHeader(response, "cache-control") }) },
  {
    id: "RL-20",
    what: "X-Forwarded-For names the source",
    tampering: () => ({ request: (request, { forward }) => {
      const claimed = headerOf(request, "x-forwarded-for")?.split(",")[0]?.split(".").at(-1);
      return claimed === undefined ? undefined : forward(request, `127.200.0.${claimed}`);
    } }),
  },
  { id: "AU-01", what: "changes of documents are not in the log", tampering: () => onRecords((records) => records.filter(({ action }) => action !== "document.add")) },
  { id: "AU-01", what: "changes of documents are in the log twice", tampering: () => onRecords((records) => records.flatMap((record) => (record["action"] === "document.add" ? [record, record] : [record]))) },
  { id: "AU-02", what: "refusals are not in the log", tampering: () => onRecords((records) => records.filter(({ result }) => result !== "denied")) },
  { id: "AU-03", what: "records do not say from where", tampering: () => onRecords((records) => records.map((record) => (record["action"] === "document.add" ? { ...record, clientIp: "" } : record))) },
  { id: "AU-04", what: "one protocol writes other resources", tampering: () => onRecords((records) => records.map((record) => (record["protocol"] === "PROTOCOL_REST" ? { ...record, resource: String(record["resource"]).toUpperCase() } : record))) },
  {
    id: "AU-10",
    what: "the log holds credentials",
    tampering: () => {
      let seen = "";
      return {
        request: (request) => void (seen = headerOf(request, "x-api-key") ?? seen),
        ...onRecords((records) => records.map((record, index) => (index === 0 && seen !== "" ? { ...record, userAgent: seen } : record))),
      };
    },
  },
  { id: "AU-13", what: "a record is missing in the middle", tampering: () => onRecords((records) => (records.length > 10 ? records.toSpliced(5, 1) : records)) },
  { id: "AU-20", what: "everybody reads the log", tampering: () => ({ request: (request, { adminToken }) => {
    if (!isLog(request)) return;
    setHeader(request, "x-api-key");
    setHeader(request, "authorization", `Bearer ${adminToken}`);
  } }) },
  { id: "AU-21", what: "a header names the actor", tampering: () => {
    const names = new Map<string, string>();
    const named = onRecords((records) => records.map((record) => ({ ...record, actor: names.get(String(record["requestId"])) ?? record["actor"] })));
    return { ...named, request: (request) => void (headerOf(request, "x-actor") !== undefined && names.set(headerOf(request, "x-request-id") ?? "", headerOf(request, "x-actor")!)) };
  } },
];

let server: TestServer;
let adminToken: string;
const proxies: Proxy[] = [];

async function proxied(tampering: Tampering): Promise<string> {
  const proxy = await startProxy({ port: server.port, adminToken }, tampering);
  proxies.push(proxy);
  return proxy.url;
}

beforeAll(async () => {
  // The runs of a whole file are more than one source may log in.
  server = await startTestServer({ PARAPET_LOGIN_LIMIT_WINDOW: "1s" });
  const login = await fetch(`${server.url}/v1/auth/login`, { method: "POST", body: JSON.stringify({ username: server.adminUser, password: server.adminPassword }) });
  adminToken = ((await login.json()) as { token: string }).token;
});
afterAll(async () => {
  for (const proxy of proxies) proxy.close();
  await server.close();
});

describe("through a proxy that changes nothing", () => {
  it("every check that a mutant is for passes", async () => {
    const ids = [...new Set(mutants.map(({ id }) => id))];
    const run = await conform(await proxied({}), server.adminPassword, ["--only", ids.join(","), "--protocol", `${both},connect-get/h1`]);
    const notable = run.lines.filter(({ outcome }) => outcome !== "PASS" && outcome !== "NOT-CLAIMED");
    expect(notable.map(({ id, protocol, outcome, detail }) => `${outcome} ${id} over ${protocol}: ${detail}`)).toEqual([]);
    expect(run.code, run.stderr).toBe(0);
  }, 120_000);
});

describe("a server that breaks a property is caught by its check", () => {
  it.each(mutants.map((mutant) => [mutant.id, mutant.what, mutant] as const))("%s: %s", async (id, _, { tampering, protocols = both }) => {
    const run = await conform(await proxied(tampering()), server.adminPassword, ["--only", id, "--protocol", protocols]);
    expect(faultsOf(run, id).join("\n"), run.stderr).toMatch(/^(?:FAIL|WARN) /m);
    expect(run.lines.map(({ outcome }) => outcome)).not.toContain("HARNESS-ERROR");
  }, 60_000);
});
