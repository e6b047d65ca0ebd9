/** The example of an existing router behind the gate, run against a real issuer on every protocol. */
import { mkdtemp, readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { NotesService } from "../examples/bring-your-own/src/gen/acme/notes/v1/notes_service_pb.js";
import { gated } from "../examples/bring-your-own/src/main.js";

const issuer = "https://issuer.example";
let keys: { privateKey: CryptoKey; publicKey: CryptoKey };
let issuerServer: Server;
let base: string;
let auditFile: string;
let server: Awaited<ReturnType<typeof gated>>;

beforeAll(async () => {
  keys = await generateKeyPair("ES256");
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: "k1", alg: "ES256", use: "sig" }] });
  issuerServer = createServer((_request, response) => response.setHeader("content-type", "application/json").end(jwks));
  await new Promise<void>((resolve) => issuerServer.listen(0, "127.0.0.1", resolve));
  auditFile = join(await mkdtemp(join(tmpdir(), "parapet-notes-")), "audit.ndjson");
  server = await gated(issuer, `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}/jwks`, auditFile);
  base = `http://127.0.0.1:${await server.listen({ hosts: ["127.0.0.1"], port: 0 })}`;
});

afterAll(async () => {
  await server.close(1_000);
  issuerServer.close();
});

function token(subject: string, role: string, claims: { aud?: string; typ?: string } = {}): Promise<string> {
  return new SignJWT({ role })
    .setProtectedHeader({ alg: "ES256", kid: "k1", typ: claims.typ ?? "at+jwt" })
    .setIssuer(issuer)
    .setAudience(claims.aud ?? "notes")
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime("5m")
    .sign(keys.privateKey);
}

const transports: Readonly<Record<string, () => Transport>> = {
  gRPC: () => createGrpcTransport({ baseUrl: base }),
  "gRPC-Web": () => createGrpcWebTransport({ baseUrl: base, httpVersion: "1.1" }),
  "Connect proto": () => createConnectTransport({ baseUrl: base, httpVersion: "2", useBinaryFormat: true }),
  "Connect JSON": () => createConnectTransport({ baseUrl: base, httpVersion: "1.1", useBinaryFormat: false }),
};

describe.each(Object.keys(transports))("over %s", (name) => {
  const client = () => createClient(NotesService, transports[name]!());
  const as = (bearer: string) => ({ headers: { authorization: `Bearer ${bearer}` } });
  const refusal = async (call: Promise<unknown>): Promise<{ code: string; reason: string | undefined }> => {
    const error = ConnectError.from(await call.then(() => undefined, (thrown: unknown) => thrown));
    return { code: Code[error.code], reason: error.findDetails(ErrorInfoSchema)[0]?.reason };
  };

  test("an editor writes and a reader reads", async () => {
    const { id } = await client().createNote({ book: "handbook", text: `from ${name}` }, as(await token("eve", "editor")));
    const { text } = await client().getNote({ book: "handbook", id }, as(await token("rob", "reader")));
    expect(text).toBe(`from ${name}`);
  });

  test("no token, a foreign audience, a wrong type and a missing right are refused", async () => {
    const call = { book: "handbook", text: "x" };
    expect(await refusal(client().createNote(call))).toEqual({ code: "Unauthenticated", reason: "CREDENTIAL_MISSING" });
    expect(await refusal(client().createNote(call, as(await token("eve", "editor", { aud: "other" }))))).toEqual({ code: "Unauthenticated", reason: "TOKEN_INVALID" });
    expect(await refusal(client().createNote(call, as(await token("eve", "editor", { typ: "JWT" }))))).toEqual({ code: "Unauthenticated", reason: "TOKEN_INVALID" });
    expect(await refusal(client().createNote(call, as(await token("rob", "reader"))))).toEqual({ code: "PermissionDenied", reason: "PERMISSION_MISSING" });
  });

  test("the handler's own errors keep their code", async () => {
    expect(await refusal(client().getNote({ book: "handbook", id: "999" }, as(await token("rob", "reader"))))).toEqual({ code: "NotFound", reason: "NOT_FOUND" });
  });
});

test("REST gets problem documents, and every decision is in the audit file", async () => {
  const url = `${base}/v1/books/handbook/notes`;
  const created = await fetch(url, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${await token("eve", "editor")}` }, body: '{"text":"over REST"}' });
  expect(created.status).toBe(200);
  const denied = await fetch(url, { method: "POST", headers: { "content-type": "application/json", "x-request-id": "denied-1", authorization: `Bearer ${await token("rob", "reader")}` }, body: "not even JSON" });
  expect(denied.status).toBe(403);
  expect(await denied.json()).toMatchObject({ status: 403, code: "permission_denied", reason: "PERMISSION_MISSING", domain: "parapet", requestId: "denied-1" });
  const records = (await readFile(auditFile, "utf8")).trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(records.find((record) => record["requestId"] === "denied-1")).toMatchObject({ actorId: "rob", action: "note.create", reason: "PERMISSION_MISSING", decision: 2 });
  expect(records.filter((record) => record["outcomeCode"] === 0).map((record) => record["action"])).toContain("note.create");
});

test("a caller over its limit is told when to come back", async () => {
  const headers = { authorization: `Bearer ${await token("flo", "reader")}` };
  let last: Response | undefined;
  for (let i = 0; i < 90 && last?.status !== 429; i++) last = await fetch(`${base}/v1/books/handbook/notes/1`, { headers });
  expect(last?.status).toBe(429);
  expect(last?.headers.get("retry-after")).toMatch(/^\d+$/);
  expect(last?.headers.get("ratelimit-policy")).toBe('"notes";q=60;w=60');
  expect(await last?.json()).toMatchObject({ reason: "RATE_LIMITED" });
});
