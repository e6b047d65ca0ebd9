/** Servers that are wrong about who may do what. */
import { headerOf, type ProxiedRequest, type ProxiedResponse, setHeader } from "../tampering-proxy.js";
import { asAdmin, byAdmin, copyOf, jsonOf, type Mutant, replace, setJson } from "./mutant.js";

const isBatch = ({ path }: ProxiedRequest): boolean => /\/AddBatch$|\/v1\/add-batch$/.test(path);
const isMinting = ({ path }: ProxiedRequest): boolean => path.endsWith("/CreateApiKey");
const isGet = ({ path }: ProxiedRequest): boolean => path.endsWith("DocumentService/Get");

/** Broken servers of this area. */
export const accessMutants: readonly Mutant[] = [
  { id: "AZ-01", what: "a method that nobody knows works", tampering: () => ({ response: (response) => void (Object.assign(response, [404, 501].includes(response.status) ? { status: 200, body: Buffer.from("{}"), headers: [["content-type", "application/json"]] } : {})) }) },
  {
    id: "AZ-02",
    what: "readers may list users",
    tampering: () => byAdmin((request) => /auth\/users$|\/ListUsers$/.test(request.path.split("?")[0]!) && headerOf(request, "x-api-key") !== undefined),
  },
  {
    id: "AZ-03",
    what: "a denied change is made all the same",
    tampering: () => ({
      response: async (response, request, { adminToken, forward }) => {
        if (response.status !== 403 || !/\/Add$|\/v1\/add$/.test(request.path)) return;
        const again = { ...request, headers: [...request.headers] };
        asAdmin(again, adminToken);
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
    tampering: () => byAdmin((request) => headerOf(request, "x-role") === "admin"),
  },
  { id: "AZ-04", what: "checksums are told to strangers", tampering: () => byAdmin(({ path }) => /\/GetChecksum$|\/v1\/checksum/.test(path)) },
  { id: "AZ-06", what: "everybody sees the names of all collections", tampering: () => byAdmin(({ path }) => /\/ListCollections$|\/v1\/collections(?:\?|$)/.test(path)) },
  { id: "AZ-07", what: "a page token carries the rights of who got it", tampering: () => byAdmin((request) => /pageToken"?[:=]/.test(request.path + request.body.toString("utf8"))) },
  {
    id: "AZ-08",
    what: "requests are validated ahead of the rights",
    tampering: () => ({
      response: async (response, request, { adminToken, forward }) => {
        if (response.status !== 403) return;
        const again = { ...request, headers: [...request.headers] };
        asAdmin(again, adminToken);
        const valid = await forward(again);
        if (valid.status === 400) replace(response, valid);
      },
    }),
  },
  {
    id: "AZ-09",
    what: "a decision on a document is remembered for ever",
    tampering: () => {
      const known = new Map<string, ProxiedResponse>();
      const keyOf = (request: ProxiedRequest): string => `${headerOf(request, "x-api-key")} ${request.body.toString("utf8")}`;
      return {
        request: (request) => {
          const kept = isGet(request) ? known.get(keyOf(request)) : undefined;
          return kept && copyOf(kept);
        },
        response: (response, request) => void (isGet(request) && response.status === 200 && known.set(keyOf(request), copyOf(response))),
      };
    },
    protocols: "connect-json/h1",
  },
  { id: "AZ-10", what: "everybody may grant", tampering: () => byAdmin(({ path, verb }) => path.endsWith("/SetPermission") || (verb === "POST" && path === "/v1/auth/permissions")) },
  {
    id: "AZ-10",
    what: "a key makes keys with all the rights of its user",
    tampering: () => {
      const tokens = new Map<string, string>();
      return {
        request: (request) => {
          const bearer = tokens.get(headerOf(request, "x-api-key") ?? "");
          if (bearer === undefined || !isMinting(request)) return;
          setHeader(request, "x-api-key");
          setHeader(request, "authorization", bearer);
        },
        response: (response, request) => {
          const bearer = headerOf(request, "authorization");
          if (response.status === 200 && bearer !== undefined && isMinting(request)) tokens.set(String(jsonOf(response)["key"]), bearer);
        },
      };
    },
    protocols: "connect-json/h1",
  },
  {
    id: "AZ-13",
    what: "a header says which verb is meant",
    tampering: () => ({ request: (request) => void (request.verb = headerOf(request, "x-http-method-override") ?? request.verb) }),
  },
  {
    id: "AZ-16",
    what: "a batch is made up to its first fault",
    tampering: () => ({
      response: async (response, request, { forward }) => {
        if (!isBatch(request) || response.status < 400) return;
        const part = { ...request, headers: [...request.headers] };
        setJson(part, { ...jsonOf(request), documents: (jsonOf(request)["documents"] as unknown[]).slice(0, 1) });
        await forward(part);
      },
    }),
    protocols: "connect-json/h1",
  },
  {
    id: "AZ-18",
    what: "one denial in three is none",
    tampering: () => {
      let denials = 0;
      return {
        response: async (response, request, { adminToken, forward }) => {
          if (!isGet(request) || response.status !== 403 || ++denials % 3 !== 0) return;
          const again = { ...request, headers: [...request.headers] };
          asAdmin(again, adminToken);
          replace(response, await forward(again));
        },
      };
    },
    protocols: "connect-json/h1",
  },
];
