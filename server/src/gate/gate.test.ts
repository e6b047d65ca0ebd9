/** Who is refused, whose budget that spends, and what the log says of it: through the doors of a whole server. */
import { afterEach, describe, expect, it } from "vitest";
import { startTestServer, type TestServer } from "../testing/start.js";

interface Logged {
  readonly rule: string;
  readonly reason: string;
  readonly credentialKind: string;
  readonly decision: string;
}

let server: TestServer;
afterEach(() => server.close());

const password = "correct horse battery staple";

async function call(method: string, path: string, token?: string, body?: object): Promise<Response> {
  return await fetch(`${server.url}${path}`, { method, headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), "content-type": "application/json" }, ...(body && { body: JSON.stringify(body) }) });
}

async function signIn(username: string): Promise<string> {
  return ((await (await call("POST", "/v1/auth/login", undefined, { username, password })).json()) as { token: string }).token;
}

/** Starts a server; gives tokens of its admin and of users without a right. */
async function start(env: Readonly<Record<string, string>>, ...names: string[]): Promise<string[]> {
  server = await startTestServer(env);
  const admin = await signIn(server.adminUser);
  for (const username of names) expect((await call("POST", "/v1/auth/register", admin, { username, password })).status).toBe(200);
  return [admin, ...(await Promise.all(names.map(signIn)))];
}

describe("the record of a refusal", () => {
  it("names the rule that decided, and the kind of credential that was sent", async () => {
    const [admin, ada] = await start({ PARAPET_RATE_LIMIT_ENABLED: "false" }, "ada");
    const get = "/v1/collections/c/documents/k";
    for (const token of [undefined, "a.b.c", ada]) await call("GET", get, token);
    const { records } = (await (await call("GET", "/v1/audit?action=document.get", admin)).json()) as { records: Logged[] };
    expect(records.map(({ rule, reason, credentialKind, decision }) => [reason, rule, credentialKind, decision])).toEqual([
      ["PERMISSION_MISSING", expect.stringMatching(/./), "CREDENTIAL_KIND_TOKEN", "DECISION_DENY"],
      ["TOKEN_INVALID", "credential", "CREDENTIAL_KIND_INVALID", "DECISION_DENY"],
      ["CREDENTIAL_MISSING", "no-credential", "CREDENTIAL_KIND_NONE", "DECISION_DENY"],
    ]);
  });

  it("names the bucket that was empty", async () => {
    const [admin, ada] = await start({ PARAPET_RATE_LIMIT_REQUESTS: "3", PARAPET_RATE_LIMIT_BURST: "10", PARAPET_RATE_LIMIT_WINDOW: "1h" }, "ada");
    for (let at = 0; at < 14; at++) await call("GET", "/v1/auth/me", ada);
    const { records } = (await (await call("GET", "/v1/audit?action=auth.me.get&limit=1", admin)).json()) as { records: Logged[] };
    expect(records).toMatchObject([{ reason: "RATE_LIMITED", rule: "limit:api", decision: "DECISION_DENY" }]);
  });
});

describe("budgets", () => {
  const small = { PARAPET_RATE_LIMIT_REQUESTS: "1", PARAPET_RATE_LIMIT_BURST: "7", PARAPET_RATE_LIMIT_WINDOW: "1h" };
  const left = (response: Response): number => Number(response.headers.get("x-ratelimit-remaining"));

  it("are each user's, or the source's where they are to be", async () => {
    for (const [by, shared] of [["user", false], ["ip", true]] as const) {
      const [, ada, bob] = await start({ ...small, PARAPET_RATE_LIMIT_BURST: "20", PARAPET_RATE_LIMIT_BY: by }, "ada", "bob");
      const first = left(await call("GET", "/v1/auth/me", ada));
      expect(left(await call("GET", "/v1/auth/me", bob))).toBe(shared ? first - 1 : first);
      if (by === "user") await server.close();
    }
  });

  it("of a source are spent by calls without a credential and with a bad one, and no user's", async () => {
    const [, ada] = await start(small, "ada");
    const before = left(await call("GET", "/v1/auth/me", ada));
    const forged = `${ada!.slice(0, ada!.lastIndexOf("."))}.${"A".repeat(43)}`;
    const refused: number[] = [];
    for (let at = 0; at < 10; at++) refused.push((await call("GET", "/v1/auth/me", at % 2 === 0 ? forged : undefined)).status);
    expect(refused).toEqual([...Array<number>(8).fill(401), 429, 429]);
    expect(left(await call("GET", "/v1/auth/me", ada))).toBe(before - 1);
  });
});
