/** Servers that are wrong about who calls: credentials, tokens, passwords and keys. */
import { headerOf, type ProxiedRequest, type ProxiedResponse, setHeader, type Tampering } from "../tampering-proxy.js";
import { answer, bearerOf, byAdmin, copyOf, hasCredential, isLogin, type Json, jsonOf, type Mutant, replace, setJson, status, tokenPart } from "./mutant.js";

/** Passwords are cut before they are stored and compared. */
function cutPasswords(length: number): Tampering {
  const cut = (text: unknown): unknown => (typeof text === "string" ? text.slice(0, length) : text);
  return {
    request: (request) => {
      if (!/login$|register$/i.test(request.path)) return;
      const json = jsonOf(request);
      // The admin's was stored by the server itself.
      if (json["username"] !== "admin") setJson(request, { ...json, password: cut(json["password"]) });
    },
  };
}

/** Believes any signature of one who logged in here, where the claims are those of a token that was given out. */
function withoutSignature(): Tampering {
  const tokens = new Map<string, string>();
  return {
    request: (request) => {
      const good = tokens.get(bearerOf(request)?.split(".")[1] ?? "");
      if (good !== undefined) setHeader(request, "authorization", `Bearer ${good}`);
    },
    response: (response, request) => {
      if (!isLogin(request) || response.status !== 200) return;
      const { token } = jsonOf(response) as { token: string };
      tokens.set(token.split(".")[1]!, token);
    },
  };
}

/** Believes tokens whose header or claims are of a kind. */
function believes(index: 0 | 1, isBelieved: (part: Json) => boolean): Tampering {
  return byAdmin((request) => {
    const part = tokenPart(request, index);
    return Object.keys(part).length > 0 && isBelieved(part);
  });
}

const nowSeconds = (): number => Date.now() / 1_000;

/** Broken servers of this area. */
export const identityMutants: readonly Mutant[] = [
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
    tampering: () => ({ request: (request, { adminToken }) => void (/^none$/i.test(String(tokenPart(request, 0)["alg"])) && setHeader(request, "authorization", `Bearer ${adminToken}`)) }),
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
  { id: "AN-04", what: "a denial has no challenge", tampering: () => ({ response: (response) => void (response.status === 403 && setHeader(response, "www-authenticate")) }) },
  // The proxy reads every body whole before it asks the server.
  { id: "AN-06", what: "the whole of a body is read ahead of the refusal", tampering: () => ({}), protocols: "connect-json/h1" },
  { id: "AN-09", what: "any algorithm of HMAC is believed", tampering: () => believes(0, ({ alg }) => /^HS\d+$/.test(String(alg)) && alg !== "HS256") },
  { id: "AN-10", what: "the key in a token's header is believed", tampering: () => believes(0, ({ jwk }) => jwk !== undefined) },
  { id: "AN-11", what: "any key id stands for the one key there is", tampering: () => believes(0, ({ kid }) => kid === "" || typeof kid === "number") },
  { id: "AN-12", what: "critical headers are skipped", tampering: () => believes(0, ({ crit }) => crit !== undefined) },
  { id: "AN-13", what: "tokens without an end are believed", tampering: () => believes(1, ({ iat, exp }) => iat !== undefined && exp === undefined) },
  { id: "AN-13", what: "tokens are believed for an hour more", tampering: () => believes(1, ({ exp }) => typeof exp === "number" && exp < nowSeconds() && exp > nowSeconds() - 3_600) },
  { id: "AN-14", what: "nbf is not read", tampering: () => believes(1, ({ nbf }) => typeof nbf === "number" && nbf > nowSeconds() + 60) },
  { id: "AN-15", what: "tokens for somebody else are believed", tampering: () => believes(1, ({ iss, aud }) => iss !== undefined && JSON.stringify(aud) === '"https://other.example"') },
  { id: "AN-16", what: "any issuer is believed", tampering: () => believes(1, ({ iss }) => iss === "https://other.example") },
  { id: "AN-17", what: "refresh tokens are access tokens", tampering: () => believes(0, ({ typ }) => typ === "rt+jwt") },
  { id: "AN-18", what: "signatures are not compared", tampering: withoutSignature },
  { id: "AN-20", what: "another spelling of a revoked token lives on", tampering: () => byAdmin((request) => bearerOf(request)?.endsWith("=") ?? false), protocols: "rest/h1" },
  { id: "AN-25", what: "passwords are cut at 72 bytes", tampering: () => cutPasswords(72), protocols: "connect-json/h1" },
  { id: "AN-26", what: "passwords are cut at 100 letters", tampering: () => cutPasswords(100), protocols: "connect-json/h1" },
  {
    id: "AN-29",
    what: "passwords can be guessed without end",
    tampering: () => {
      let failure: ProxiedResponse | undefined;
      return {
        response: (response, request) => {
          if (!isLogin(request)) return;
          if (response.status === 401) failure = copyOf(response);
          if (response.status === 429 && failure !== undefined) replace(response, failure);
        },
      };
    },
    protocols: "connect-json/h1",
    limits: "usual",
  },
  {
    id: "AN-31",
    what: "the last letter of a key is not read",
    tampering: () => {
      const keys = new Map<string, string>();
      return {
        request: (request) => {
          const good = keys.get(headerOf(request, "x-api-key")?.slice(0, -1) ?? "");
          if (good !== undefined) setHeader(request, "x-api-key", good);
        },
        response: (response) => {
          const key = /"key":\s*"([^"]+)"/.exec(response.body.toString("latin1"))?.[1];
          if (key !== undefined) keys.set(key.slice(0, -1), key);
        },
      };
    },
    protocols: "connect-json/h1",
  },
  { id: "AN-33", what: "keys with a scope are not narrowed to it", tampering: () => byAdmin((request) => request.path.endsWith("/Add") && headerOf(request, "x-api-key") !== undefined), protocols: "connect-json/h1" },
];
