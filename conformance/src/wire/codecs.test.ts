/** What the wire clients write and read, against bytes made by hand. */
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ErrorInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { StatusSchema } from "@parapet/contract/google/rpc/status_pb";
import { GetMeResponseSchema } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { describe, expect, it } from "vitest";
import { methodOf } from "../contract.js";
import { connectGet, connectJson, connectProto } from "./connect.js";
import { frame, frames } from "./envelope.js";
import { fromLines } from "./fields.js";
import { grpcWeb, grpcWebText, trailerLines } from "./grpc-web.js";
import { grpc } from "./grpc.js";
import { rest } from "./rest.js";
import type { Codec, HttpResponse } from "./wire.js";

const getMe = methodOf("AuthService/GetMe");
const info = anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "TOKEN_INVALID", domain: "parapet", metadata: { a: "b" } }));
const status = Buffer.from(toBinary(StatusSchema, create(StatusSchema, { code: 16, message: "no", details: [info] })));
const me = toBinary(GetMeResponseSchema, create(GetMeResponseSchema, { username: "ann" }));
const annAsJson = { username: "ann", admin: false, createdAt: 0 };

function response(body: string | Uint8Array, { status: code = 200, headers = "", trailers = "" } = {}): HttpResponse {
  return { status: code, headers: fromLines(headers), trailers: fromLines(trailers), body: Buffer.from(body as string) };
}

const webTrailers = Buffer.from(`grpc-status: 16\r\ngrpc-message: not%20you\r\ngrpc-status-details-bin: ${status.toString("base64").replace(/=+$/, "")}\r\n`);
const connectError = JSON.stringify({ code: "unauthenticated", message: "not you", details: [{ type: "google.rpc.ErrorInfo", value: Buffer.from(info.value).toString("base64").replace(/=+$/, "") }] });
const problem = JSON.stringify({ code: "unauthenticated", detail: "not you", reason: "TOKEN_INVALID", domain: "parapet", metadata: { a: "b" } });

describe("a refusal", () => {
  const cases: [name: string, codec: Codec, answer: HttpResponse][] = [
    ["gRPC trailers", grpc, response("", { trailers: webTrailers.toString() })],
    ["gRPC headers alone", grpc, response("", { headers: webTrailers.toString() })],
    ["a gRPC-Web trailer frame", grpcWeb, response(frame(webTrailers, 0x80), { headers: "content-type: application/grpc-web+proto" })],
    ["a gRPC-Web text in parts", grpcWebText, response(Buffer.from(frame(webTrailers, 0x80)).toString("base64"), { headers: "content-type: application/grpc-web-text" })],
    ["a Connect error", connectJson, response(connectError, { status: 401, headers: "content-type: application/json" })],
    ["a Connect error to a GET", connectGet, response(connectError, { status: 401 })],
    ["a problem document", rest, response(problem, { status: 401, headers: "content-type: application/problem+json" })],
  ];
  it.each(cases)("is read from %s", (_, codec, answer) => {
    const { code, error } = codec.decode(getMe, answer);
    expect(code).toBe("unauthenticated");
    expect(error).toMatchObject({ message: "not you", reasons: ["TOKEN_INVALID"], domains: ["parapet"], metadata: { a: "b" } });
  });

  it("at the end of a Connect stream is read from its last frame", () => {
    const body = Buffer.concat([frame(Buffer.from("{}")), frame(Buffer.from(`{"error":${connectError}}`), 0x02)]);
    const { code, messages } = connectJson.decode(methodOf("DocumentService/Export"), response(body, { headers: "content-type: application/connect+json" }));
    expect([code, messages.length]).toEqual(["unauthenticated", 1]);
  });

  it("with two reasons shows both", () => {
    const twice = JSON.parse(connectError) as { details: unknown[] };
    twice.details.push(twice.details[0]);
    expect(connectJson.decode(getMe, response(JSON.stringify(twice), { status: 401 })).error?.reasons).toEqual(["TOKEN_INVALID", "TOKEN_INVALID"]);
  });
});

describe("a success", () => {
  const cases: [name: string, codec: Codec, answer: HttpResponse][] = [
    ["gRPC", grpc, response(frame(me), { trailers: "grpc-status: 0" })],
    ["gRPC-Web", grpcWeb, response(Buffer.concat([frame(me), frame(Buffer.from("grpc-status: 0\r\n"), 0x80)]), { headers: "content-type: application/grpc-web+proto" })],
    ["Connect with protobuf", connectProto, response(me, { headers: "content-type: application/proto" })],
    ["Connect with JSON", connectJson, response('{"username":"ann","newer":1}', { headers: "content-type: application/json" })],
    ["REST", rest, response('{"username":"ann"}', { headers: "content-type: application/json" })],
  ];
  it.each(cases)("over %s is the same message", (_, codec, answer) => {
    expect(codec.decode(getMe, answer)).toMatchObject({ code: "ok", messages: [annAsJson] });
  });

  it("without a status is none", () => {
    expect(grpc.decode(getMe, response(frame(me))).code).toBe("none");
  });
});

describe("REST requests", () => {
  const cases: [method: string, request: object, verb: string, path: string, body: string | undefined][] = [
    ["DocumentService/Get", { collection: "a/b", key: "c d", lang: "en" }, "GET", "/v1/collections/a%2Fb/documents/c%20d?lang=en", undefined],
    ["DocumentService/Update", { collection: "a", key: "k", contentMd: "#" }, "PATCH", "/v1/collections/a/documents/k", '{"contentMd":"#"}'],
    ["DocumentService/UpdateCollection", { collection: "a", config: { description: "d" } }, "PUT", "/v1/collections/a", '{"description":"d"}'],
    ["DocumentService/RestoreRevision", { collection: "a", key: "k", revision: 3 }, "POST", "/v1/collections/a/documents/k/revisions/3:restore", "{}"],
    ["AuditService/ListAuditRecords", { limit: 5, action: "a b" }, "GET", "/v1/audit?limit=5&action=a+b", undefined],
  ];
  it.each(cases)("of %s follow its binding", (method, request, verb, path, body) => {
    const encoded = rest.encode(methodOf(method), request as never, {});
    expect([encoded.verb, encoded.path, encoded.body && Buffer.from(encoded.body).toString()]).toEqual([verb, path, body]);
  });

  it("carry a credential as the header of its kind", () => {
    expect(rest.encode(getMe, {}, { credential: { bearer: "t" } }).headers).toContainEqual(["authorization", "Bearer t"]);
    expect(rest.encode(getMe, {}, { credential: { apiKey: "k" } }).headers).toContainEqual(["x-api-key", "k"]);
  });
});

describe("frames", () => {
  it("come back as they were put in, torn ones left out", () => {
    const body = Buffer.concat([frame(Buffer.from("one")), frame(Buffer.from("two"), 1), frame(Buffer.from("three")).subarray(0, 6)]);
    expect(frames(body).map(({ flags, data }) => [flags, Buffer.from(data).toString()])).toEqual([[0, "one"], [1, "two"]]);
  });

  it("of gRPC-Web trailers give their fields", () => {
    expect(trailerLines(response(frame(Buffer.from("ratelimit: x\r\n"), 0x80), { headers: "content-type: application/grpc-web+proto" })).has("ratelimit")).toBe(true);
  });
});
