/** Secrets of responses are there, and do not print. */
import { inspect } from "node:util";
import { toJson } from "@bufbuild/protobuf";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { AuthService, LoginResponseSchema } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { expect, it } from "vitest";
import { methods } from "../gen/methods.js";
import { secrets } from "../gen/responses.js";
import { createHidingTransport } from "./hiding-transport.js";
import { createParapetClient } from "./index.js";
import { createParapetClient as createWebClient } from "./web.js";

it("a token is in its message and not in what prints", async () => {
  const inner = createRouterTransport((router) => router.service(AuthService, { login: () => ({ token: "secret-token" }), getMe: () => ({ username: "a" }) }));
  const auth = createClient(AuthService, createHidingTransport(inner, secrets));
  const message = await auth.login({ username: "a", password: "p" });
  expect(message.token).toBe("secret-token");
  expect(toJson(LoginResponseSchema, message)).toMatchObject({ token: "secret-token" });
  expect(inspect(message, { depth: 9 })).not.toContain("secret-token");
  expect(inspect(await auth.getMe({}))).toContain("username");
});

it("nor are those of a stream, of which each message is hidden", async () => {
  const inner = createRouterTransport((router) =>
    router.service(DocumentService, {
      async *export() {
        yield { document: { key: "a", contentMd: "secret-a" } };
        yield { document: { key: "b", contentMd: "secret-b" } };
      },
    }),
  );
  const documents = createClient(DocumentService, createHidingTransport(inner, { "parapet.document.v1.ExportResponse": ["contentMd"] }));
  const seen: (string | undefined)[] = [];
  for await (const message of documents.export({ collection: "c" })) {
    seen.push(message.document?.contentMd);
    expect(inspect(message, { depth: 9 })).not.toContain("secret-");
    expect(inspect(message, { depth: 9 })).toContain("[redacted]");
  }
  expect(seen).toEqual(["secret-a", "secret-b"]);
});

it("nor are members of a oneof", async () => {
  const meta = { a: { values: [{ kind: { case: "stringValue" as const, value: "secret-a" } }, { kind: { case: "numberValue" as const, value: 7 } }] } };
  const inner = createRouterTransport((router) => router.service(DocumentService, { get: () => ({ document: { meta } }) }));
  const message = await createClient(DocumentService, createHidingTransport(inner, { "parapet.document.v1.GetResponse": ["stringValue"] })).get({ collection: "c", key: "k" });
  expect(message.document?.meta["a"]?.values[0]?.kind.value).toBe("secret-a");
  expect(inspect(message, { depth: 9 })).not.toContain("secret-");
  expect(inspect(message, { depth: 9 })).toMatch(/numberValue', value: 7/);
});

it("every response of the contract that carries some is among those that are hidden", () => {
  const carrying = Object.values(methods).flatMap((method) => ("secrets" in method ? [method.secrets] : []));
  expect(carrying.length).toBeGreaterThan(0);
  expect(Object.values(secrets)).toEqual(carrying);
});

it.each([
  ["Node", (fetch: typeof globalThis.fetch, baseUrl: string) => (void fetch, createParapetClient({ protocol: "connect", baseUrl }))],
  ["the web", (fetch: typeof globalThis.fetch, baseUrl: string) => createWebClient({ protocol: "connect", baseUrl, fetch: fetch as never })],
] as const)("clients of %s hide them by themselves", async (_, make) => {
  const { createServer } = await import("node:http");
  // The token is field 1 of the response.
  const body = Buffer.concat([Buffer.of(0x0a, 12), Buffer.from("secret-token")]);
  const server = createServer((request, response) => request.resume().on("end", () => response.writeHead(200, { "content-type": "application/proto" }).end(body)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = make(fetch, `http://127.0.0.1:${(server.address() as { port: number }).port}`);
  const message = await client.auth.login({ username: "a", password: "p" });
  expect(message.token).toBe("secret-token");
  expect(inspect(message, { depth: 9 })).not.toContain("secret-token");
  server.closeAllConnections();
  server.close();
});
