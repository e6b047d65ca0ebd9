/** Checks of ways around the router: spellings of paths, verbs, override headers, identity headers. */
import { methodOf, methods } from "../contract.js";
import { type Check, everyVariant } from "../run/check.js";
import { carries } from "../wire/client.js";
import { sendRaw } from "../wire/raw.js";
import { field } from "../wire/wire.js";
import { whoAmI } from "./credentials.js";
import { described, refusalFaults } from "./expect.js";

/** Spellings of `/v1/audit` and of an RPC's path that no router may take for it. */
const spellings = [
  "//v1/audit", "/v1//audit", "/v1/audit/", "/V1/audit", "/v1/Audit", "/v1/./audit", "/v1/x/../audit", "/v1/%61udit", "/v1%2Faudit", "/v1/audit%00", "/v1/audit;a=b", "/v1\\audit", "v1/audit",
  "//parapet.audit.v1.AuditService/ListAuditRecords", "/parapet.audit.v1.AuditService//ListAuditRecords", "/parapet.audit.v1.AuditService/ListAuditRecords/",
  "/parapet.audit.v1.AuditService/%4CistAuditRecords", "/parapet.audit.v1.auditservice/ListAuditRecords", "/parapet.audit.v1.AuditService/listauditrecords",
  "/x/../parapet.audit.v1.AuditService/ListAuditRecords", "parapet.audit.v1.AuditService/ListAuditRecords",
];

const pathSpellings: Check = {
  id: "AZ-12",
  profile: "smoke",
  over: "once",
  run: async (context, judge) => {
    const { apiKey } = await context.people.as("reader");
    const admin = "bearer" in context.admin ? `Authorization: Bearer ${context.admin.bearer}` : "";
    const send = async (verb: string, path: string, credential: string): Promise<number | undefined> => {
      const body = verb === "POST" ? "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" : "\r\n";
      const { response } = await sendRaw(context.client.transport, `${verb} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${credential === "" ? "" : `${credential}\r\n`}${body}`, { timeoutMs: 10_000 });
      return response?.status;
    };
    judge.control("the path itself", (await send("GET", "/v1/audit?limit=1", admin)) === 200);
    judge.control("the path itself is closed to a reader", (await send("GET", "/v1/audit?limit=1", `X-API-Key: ${apiKey}`)) === 403);
    for (const path of spellings) {
      const verb = path.includes("AuditService") ? "POST" : "GET";
      for (const [who, credential] of [["an admin", admin], ["a reader", `X-API-Key: ${apiKey}`], ["anybody", ""]] as const) {
        const status = await send(verb, path, credential);
        const refused = status === undefined || status === 400 || status === 404 || status === 405 || status === 501 || (status === 401 && credential === "");
        judge.that(`${verb} ${path} by ${who}`, refused, `HTTP ${status}`);
      }
    }
    // Absolute form is legal (RFC 9112 section 3.2.2): it may work, with the same decision.
    const absolute = await send("GET", "http://localhost/v1/audit?limit=1", `X-API-Key: ${apiKey}`);
    judge.that("absolute form by a reader", absolute !== undefined && absolute >= 400 && absolute < 500, `HTTP ${absolute}`);
  },
};

const overrideHeaders: Check = {
  id: "AZ-13",
  profile: "smoke",
  over: ({ encoding }) => encoding === "rest" || encoding === "connect-json",
  run: async (context, judge, variant) => {
    const { client, collection } = context;
    const { apiKey } = await context.people.as("writer");
    const key = `${context.namespace}-override-${variant.http}-${variant.encoding}`;
    await context.asAdmin("DocumentService/Add", { collection, key, contentMd: "# Kept" });
    const path = `/v1/collections/${collection}/documents/${key}`;
    for (const name of ["x-http-method-override", "x-http-method", "x-method-override"]) {
      const { status } = await client.http({ path, http: variant.http, headers: [["x-api-key", apiKey], [name, "DELETE"]] });
      judge.equal(`GET with ${name}: DELETE`, status, 200);
    }
    const { status } = await client.http({ path: `${path}?_method=DELETE`, http: variant.http, headers: [["x-api-key", apiKey]] });
    judge.that("GET with ?_method=DELETE", status === 400 || status === 200, `HTTP ${status}`);
    const posted = await client.http({ path, verb: "POST", http: variant.http, headers: [["x-api-key", apiKey], ["x-http-method-override", "DELETE"], ["content-type", "application/json"]], body: Buffer.from("{}") });
    judge.that("POST with x-http-method-override: DELETE", posted.status >= 400, `HTTP ${posted.status}`);
    const kept = await context.call(context.control, "DocumentService/Get", { collection, key }, { credential: context.admin });
    judge.that("the document is still there", kept.code === "ok", described(kept));
  },
};

const verbs: Check = {
  id: "AZ-14",
  profile: "smoke",
  over: ({ encoding }) => encoding === "connect-get" || encoding === "rest",
  run: async (context, judge, variant) => {
    const { client, admin } = context;
    const bearer: [string, string][] = "bearer" in admin ? [["authorization", `Bearer ${admin.bearer}`]] : [];
    const probe = async (verb: string, path: string, what: string): Promise<void> => {
      const response = await client.http({ verb, path, http: variant.http, headers: bearer });
      judge.that(`${what}: 405`, response.status === 405, `HTTP ${response.status}`);
      judge.that(`${what}: Allow`, (field(response.headers, "allow") ?? "").length > 0, "absent");
    };
    if (variant.encoding === "rest") {
      await probe("DELETE", "/v1/audit", "DELETE /v1/audit");
      await probe("GET", "/v1/add", "GET /v1/add");
      await probe("PUT", "/v1/auth/login", "PUT /v1/auth/login");
      return;
    }
    const good = await client.http({ path: "/parapet.auth.v1.AuthService/GetMe?connect=v1&encoding=json&message=%7B%7D", http: variant.http, headers: bearer });
    judge.control("GET of a method without side effects", good.status === 200, `HTTP ${good.status}`);
    for (const method of methods.filter((each) => each.sideEffects && each.desc.methodKind === "unary")) {
      await probe("GET", `${method.path}?connect=v1&encoding=json&message=%7B%7D`, `GET ${method.name}`);
    }
    for (const verb of ["PUT", "DELETE", "PATCH"]) await probe(verb, "/parapet.auth.v1.AuthService/GetMe", `${verb} of an RPC`);
  },
};

/** Headers that proxies use to say who somebody is. */
function identityHeaders(name: string): [string, string][] {
  return [
    ["x-user-id", name], ["x-user", name], ["x-remote-user", name], ["x-forwarded-user", name], ["x-forwarded-email", name], ["x-role", "admin"], ["x-roles", "admin"], ["x-admin", "true"],
    ["x-forwarded-client-cert", `Subject="CN=${name}"`], ["x-ssl-client-verify", "SUCCESS"], ["x-ssl-client-s-dn", `CN=${name}`], ["x-original-url", "/health"], ["x-rewrite-url", "/health"], ["x-tenant", "other"],
  ];
}

const claimedIdentity: Check = {
  id: "AZ-15",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const nobody = await context.people.as("nobody");
    const headers = identityHeaders(context.settings.adminUser);
    const mine = await whoAmI(context, variant, nobody.credential, headers);
    judge.equal("who one is", [mine.messages[0]?.["username"], mine.messages[0]?.["admin"]], [nobody.username, false]);
    judge.none("without a credential", refusalFaults(await whoAmI(context, variant, undefined, headers), "CREDENTIAL_MISSING"));
    const list = methodOf("AuthService/ListUsers");
    if (carries(variant, list)) judge.none("an admin's method", refusalFaults(await context.client.call(variant, list, {}, { credential: nobody.credential, headers }), "ADMIN_REQUIRED"));
  },
};


/** The checks of this file. */
export const routeChecks: readonly Check[] = [pathSpellings, overrideHeaders, verbs, claimedIdentity];
