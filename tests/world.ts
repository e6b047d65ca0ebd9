/** A whole server in this process with users of every kind, and what tests ask of it from outside. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type ContractMethod, methods as contractMethods } from "../conformance/src/contract.js";
import { connectGet, connectJson, connectProto } from "../conformance/src/wire/connect.js";
import { grpcWeb, grpcWebText } from "../conformance/src/wire/grpc-web.js";
import { grpc } from "../conformance/src/wire/grpc.js";
import { rest } from "../conformance/src/wire/rest.js";
import { createTransport, type Transport } from "../conformance/src/wire/transport.js";
import { type CallOptions, type CallResult, type Codec, type Credential, type Encoding, type HttpRequest, reasonOf, type Variant, variants } from "../conformance/src/wire/wire.js";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";
import type { Store } from "../server/src/store/store.js";

/** Password of every user that a world registers. */
export const password = "correct horse battery staple";

/** An encoded call that a test may bend before it is sent. */
export type Encoded = Pick<HttpRequest, "verb" | "path" | "headers" | "body">;

/** What a bent call gave. */
export type Answer = Pick<CallResult, "code" | "error" | "http" | "messages"> & {
  /** The reason of the only ErrorInfo; `-` on success; else what is wrong. */
  readonly reason: string;
};

/** Makes calls to one port. */
export interface Caller {
  /** Makes a call whose HTTP request was bent by `bend`. Rejects with NoAnswer if no whole answer comes. */
  send(variant: Variant, method: string, request: JsonValue, options?: CallOptions, bend?: (encoded: Encoded) => Encoded): Promise<Answer>;
  /** Forgets all connections: Node's HTTP/2 client keeps what it could not send of refused bodies, and gives up at 10 MB of it. */
  reconnect(): void;
  close(): void;
}

/** A running server with its users. */
export interface World {
  readonly server: TestServer;
  readonly port: number;
  readonly admin: Credential;
  readonly send: Caller["send"];
  readonly reconnect: Caller["reconnect"];
  /** A new user with grants on collections. */
  user(name: string, grants: readonly { readonly collection: string; readonly read?: boolean; readonly write?: boolean }[]): Promise<Credential>;
  /** Statistics of the whole server and checksums of its collections: equal texts, equal contents. */
  contents(): Promise<string>;
  /** Status of a health call over a connection of its own. */
  health(): Promise<number>;
  close(): Promise<void>;
}

/** How each encoding writes and reads calls. */
export const codecs: Readonly<Record<Encoding, Codec>> = {
  "grpc": grpc,
  "grpc-web": grpcWeb,
  "grpc-web-text": grpcWebText,
  "connect-proto": connectProto,
  "connect-json": connectJson,
  "connect-get": connectGet,
  "rest": rest,
};

const methods = new Map<string, ContractMethod>(contractMethods.map((method) => [method.name, method]));

/** The method of a name such as `DocumentService/Add`. */
export function methodOf(name: string): ContractMethod {
  const method = methods.get(name);
  if (method === undefined) throw new Error(`the contract has no method ${name}`);
  return method;
}

/** The ways to call that use one of these encodings. */
export function variantsOf(...encodings: readonly Encoding[]): Variant[] {
  return variants.filter(({ encoding }) => encodings.includes(encoding));
}

/** Encodings whose messages are JSON. */
export const jsonEncodings: readonly Encoding[] = ["connect-json", "connect-get", "rest"];
/** Encodings whose messages are protobuf. */
export const binaryEncodings: readonly Encoding[] = ["grpc", "grpc-web", "grpc-web-text", "connect-proto"];

/** Makes a caller. */
export function createCaller(port: number, timeoutMs = 20_000): Caller {
  const connect = (): Transport => createTransport({ authority: `127.0.0.1:${port}`, hostname: "127.0.0.1", address: "127.0.0.1", port, tls: false, ca: undefined });
  let transport = connect();
  return {
    async send(variant, name, message, options = {}, bend = (encoded) => encoded) {
      const method = methodOf(name);
      const codec = codecs[variant.encoding];
      const encoded = bend(codec.encode(method, message, options));
      const http = await transport.exchange({ ...encoded, http: variant.http, source: undefined, timeoutMs: options.timeoutMs ?? timeoutMs });
      const decoded = codec.decode(method, http);
      return { ...decoded, http, reason: decoded.code === "ok" ? "-" : reasonOf(decoded) };
    },
    reconnect() {
      transport.close();
      transport = connect();
    },
    close: () => transport.close(),
  };
}

/** Starts a server without rate limits, unless `env` says otherwise, and signs its admin in. */
export async function openWorld(env: Readonly<Record<string, string>> = {}, store?: Store): Promise<World> {
  const server = await startTestServer({ PARAPET_RATE_LIMIT_ENABLED: "false", ...env }, store);
  const { port, url } = server;
  const caller = createCaller(port);
  const request = async (verb: string, path: string, body: JsonValue | undefined, token: string | undefined): Promise<JsonObject> => {
    const response = await fetch(`${url}${path}`, {
      method: verb,
      headers: { "content-type": "application/json", ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as JsonObject;
    if (!response.ok) throw new Error(`${verb} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const login = async (username: string, secret: string): Promise<string> => (await request("POST", "/v1/auth/login", { username, password: secret }, undefined))["token"] as string;
  const token = await login(server.adminUser, server.adminPassword);
  return {
    server,
    port,
    admin: { bearer: token },
    send: caller.send,
    reconnect: caller.reconnect,
    async user(name, grants) {
      await request("POST", "/v1/auth/register", { username: name, password }, token);
      for (const grant of grants) await request("POST", "/v1/auth/permissions", { username: name, ...grant }, token);
      return { bearer: await login(name, password) };
    },
    async contents() {
      const stats = await request("GET", "/v1/stats", undefined, token);
      const names = (stats["collections"] as JsonObject[]).map(({ name }) => name as string);
      const sums = await Promise.all(names.map((name) => request("GET", `/v1/checksum?collection=${encodeURIComponent(name)}`, undefined, token)));
      return JSON.stringify([stats, sums]);
    },
    health: async () => (await fetch(`${url}/health`)).status,
    async close() {
      caller.close();
      await server.close();
    },
  };
}
