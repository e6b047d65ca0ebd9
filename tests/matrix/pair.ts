/** Two servers that differ in nothing but the executor of unary calls, with the same people and documents in each. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { startTestServer, type TestServer } from "../../server/src/testing/start.js";
import { createHttp1Line, type Http1Line } from "./http1-line.js";
import { createHttp2Line, type Http2Line } from "./http2-line.js";
import { createMask, type Mask } from "./observe.js";

/** The executors, the one that is trusted to know the protocols first. */
export const executors = ["connect-es", "fast"] as const;

/** Who calls. */
export const callers = ["nobody", "forger", "two-faced", "stranger", "reader", "writer", "key-holder", "admin"] as const;
/** One of them. */
export type Caller = (typeof callers)[number];

/** One of the two servers, with what is known of it. */
export interface Side {
  readonly executor: (typeof executors)[number];
  readonly server: TestServer;
  readonly h1: Http1Line;
  readonly h2: Http2Line;
  readonly mask: Mask;
  /** Headers that make a caller. */
  readonly credentials: Readonly<Record<Caller, readonly (readonly [string, string])[]>>;
  /** The whole audit log as masked lines of JSON, oldest first, without what the reading of it adds. */
  records(): Promise<string[]>;
  close(): Promise<void>;
}

const password = "correct horse battery staple";

/** Largest request message of both servers, in bytes. */
export const messageBytesMax = 32 * 1024;

/** A document larger than what is worth compressing, and one that is smaller. */
const documents: readonly JsonObject[] = [
  { collection: "docs", key: "first", lang: "en", meta: { tag: ["x", "y"] }, contentMd: "# First: 100 % ünïcode" },
  { collection: "docs", key: "big", contentMd: "All work and no play. ".repeat(400) },
];

/** Starts both. */
export async function openPair(): Promise<readonly [Side, Side]> {
  const [connectEs, fast] = await Promise.all(executors.map(open));
  return [connectEs!, fast!];
}

async function open(executor: (typeof executors)[number]): Promise<Side> {
  const server = await startTestServer({ PARAPET_RATE_LIMIT_ENABLED: "false", PARAPET_MESSAGE_BYTES_MAX: String(messageBytesMax), PARAPET_CORS_ORIGINS: "https://app.example" }, undefined, executor);
  const call = async (verb: string, path: string, body?: JsonValue, token?: string): Promise<JsonObject> => {
    const response = await fetch(`${server.url}${path}`, {
      method: verb,
      headers: { "content-type": "application/json", "x-request-id": "setup", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${verb} ${path}: ${await response.text()}`);
    return (await response.json()) as JsonObject;
  };
  const login = async (username: string): Promise<string> => (await call("POST", "/v1/auth/login", { username, password: username === server.adminUser ? server.adminPassword : password }))["token"] as string;
  const admin = await login(server.adminUser);
  const bearer = (token: string) => [["authorization", `Bearer ${token}`]] as const;
  const people: Record<string, string> = {};
  for (const name of ["stranger", "reader", "writer"]) {
    await call("POST", "/v1/auth/register", { username: name, password }, admin);
    people[name] = await login(name);
  }
  await call("POST", "/v1/auth/permissions", { username: "reader", collection: "docs", read: true }, admin);
  await call("POST", "/v1/auth/permissions", { username: "writer", collection: "docs", read: true, write: true }, admin);
  const { key: apiKey } = await call("POST", "/v1/auth/api-key", { description: "matrix" }, people["writer"]);
  for (const document of documents) await call("POST", "/v1/add", document, admin);

  const h1 = createHttp1Line(server.port);
  const h2 = createHttp2Line(server.port);
  const mask = createMask();
  return {
    executor,
    server,
    h1,
    h2,
    mask,
    credentials: {
      "nobody": [],
      "forger": bearer("eyJhbGciOiJub25lIn0.e30."),
      "two-faced": [...bearer(people["reader"]!), ["x-api-key", apiKey as string]],
      "stranger": bearer(people["stranger"]!),
      "reader": bearer(people["reader"]!),
      "writer": bearer(people["writer"]!),
      "key-holder": [["x-api-key", apiKey as string]],
      "admin": bearer(admin),
    },
    async records() {
      const found: JsonObject[] = [];
      for (let token = ""; ; ) {
        const page = await call("GET", `/v1/audit?limit=1000&pageToken=${encodeURIComponent(token)}`, undefined, admin);
        found.push(...(page["records"] as JsonObject[]));
        token = page["nextPageToken"] as string;
        if (token === "") break;
      }
      return found.reverse().filter((record) => record["action"] !== "audit.list" || record["requestId"] !== "setup").map((record) => mask(JSON.stringify(record)));
    },
    async close() {
      h1.close();
      h2.close();
      await server.close();
    },
  };
}
