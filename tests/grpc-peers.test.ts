/** grpc-js, a client nobody here wrote: calls, deadlines, metadata, health, reflection and refusals as it sees them. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { StatusSchema } from "@parapet/contract/google/rpc/status_pb";
import { ErrorInfoSchema } from "@parapet/contract/google/rpc/error_details_pb";
import { AddRequestSchema, AddResponseSchema, DocumentService } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestServer, type TestServer } from "../server/src/testing/start.js";

const vendor = fileURLToPath(new URL("../.vendor", import.meta.url));
let server: TestServer;
let address: string;
let token: string;

beforeAll(async () => {
  server = await startTestServer();
  address = `127.0.0.1:${server.port}`;
  const response = await fetch(`${server.url}/v1/auth/login`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ username: server.adminUser, password: server.adminPassword }) });
  token = ((await response.json()) as { token: string }).token;
});
afterAll(() => server.close());

function client(proto: string, service: string): grpc.Client & Record<string, (...args: unknown[]) => unknown> {
  const definition = loadSync(proto, { includeDirs: [vendor], longs: String, enums: String, defaults: true, oneofs: true });
  let at = grpc.loadPackageDefinition(definition) as unknown as Record<string, unknown>;
  for (const name of service.split(".")) at = at[name] as Record<string, unknown>;
  const Client = at as unknown as new (address: string, credentials: grpc.ChannelCredentials) => grpc.Client & Record<string, (...args: unknown[]) => unknown>;
  return new Client(address, grpc.credentials.createInsecure());
}

/** The document service as grpc-js sees it, with protobuf-es as the codec. */
const add: grpc.MethodDefinition<unknown, unknown> = {
  path: "/parapet.document.v1.DocumentService/Add",
  requestStream: false,
  responseStream: false,
  requestSerialize: (value) => Buffer.from(toBinary(AddRequestSchema, create(AddRequestSchema, value as never))),
  requestDeserialize: (bytes) => bytes,
  responseSerialize: (value) => value as Buffer,
  responseDeserialize: (bytes) => fromBinary(AddResponseSchema, bytes),
};
const Documents = grpc.makeGenericClientConstructor({ add }, "DocumentService");

function callAdd(metadata: grpc.Metadata, request: object, options: grpc.CallOptions = {}): Promise<{ response: unknown; headers: grpc.Metadata }> {
  const documents = new Documents(address, grpc.credentials.createInsecure());
  return new Promise((resolve, reject) => {
    let headers = new grpc.Metadata();
    const call = (documents["add"] as (...args: unknown[]) => grpc.ClientUnaryCall).call(documents, request, metadata, options, (error: grpc.ServiceError | null, response: unknown) => {
      documents.close();
      if (error === null) resolve({ response, headers });
      else reject(error);
    });
    call.on("metadata", (received) => (headers = received));
  });
}

const bearer = (): grpc.Metadata => {
  const metadata = new grpc.Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return metadata;
};

describe("calls", () => {
  test("a document is added; limits come as headers", async () => {
    const { response, headers } = await callAdd(bearer(), { collection: "docs", key: "from grpc-js: ü", contentMd: "# Hello" });
    expect(response).toMatchObject({ document: { key: "from grpc-js: ü", revision: 1 } });
    expect(headers.get("ratelimit-policy")).toEqual(['"api";q=100;w=60']);
    expect(headers.get("x-request-id")).toHaveLength(1);
  });

  test("a refusal has its code, its message unharmed and its details", async () => {
    const error = (await callAdd(new grpc.Metadata(), { collection: "docs", key: "k" }).catch((thrown: unknown) => thrown)) as grpc.ServiceError;
    expect(error.code).toBe(grpc.status.UNAUTHENTICATED);
    expect(error.details).toBe("missing authentication");
    const [details] = error.metadata.get("grpc-status-details-bin");
    const status = fromBinary(StatusSchema, details as Buffer);
    expect(anyUnpack(status.details[0]!, ErrorInfoSchema)).toMatchObject({ reason: "CREDENTIAL_MISSING", domain: "parapet" });
  });

  test("a broken rule names its field, colon and all", async () => {
    const error = (await callAdd(bearer(), { collection: "docs", key: "" }).catch((thrown: unknown) => thrown)) as grpc.ServiceError;
    expect(error.code).toBe(grpc.status.INVALID_ARGUMENT);
    expect(error.details).toMatch(/^key: /);
  });

  test("a deadline that has passed is DEADLINE_EXCEEDED and changes nothing", async () => {
    const error = (await callAdd(bearer(), { collection: "docs", key: "late" }, { deadline: Date.now() - 1 }).catch((thrown: unknown) => thrown)) as grpc.ServiceError;
    expect(error.code).toBe(grpc.status.DEADLINE_EXCEEDED);
    const read = await fetch(`${server.url}/v1/collections/docs/documents/late`, { headers: { authorization: `Bearer ${token}` } });
    expect(read.status).toBe(404);
  });
});

describe("standard services", () => {
  test("health is public and serving", async () => {
    const health = client(join(vendor, "grpc/health/v1/health.proto"), "grpc.health.v1.Health");
    const check = (service: string): Promise<unknown> => new Promise((resolve) => health["check"]!({ service }, (error: grpc.ServiceError | null, response: unknown) => resolve(error ?? response)));
    expect(await check("")).toEqual({ status: "SERVING" });
    expect(await check(DocumentService.typeName)).toEqual({ status: "SERVING" });
    expect(await check("no.such.Service")).toMatchObject({ code: grpc.status.NOT_FOUND });
    health.close();
  });

  test("reflection lists the services and gives their files", async () => {
    const reflection = client(join(vendor, "grpc/reflection/v1/reflection.proto"), "grpc.reflection.v1.ServerReflection");
    const stream = reflection["serverReflectionInfo"]!() as grpc.ClientDuplexStream<object, Record<string, never>>;
    const answers: Record<string, never>[] = [];
    const ended = new Promise((resolve) => stream.on("data", (answer: Record<string, never>) => answers.push(answer)).on("end", resolve));
    stream.write({ listServices: "" });
    stream.write({ fileContainingSymbol: "parapet.document.v1.DocumentService" });
    stream.write({ fileByFilename: "nothing.proto" });
    stream.end();
    await ended;
    const [list, files, missing] = answers as unknown as [{ listServicesResponse: { service: { name: string }[] } }, { fileDescriptorResponse: { fileDescriptorProto: Uint8Array[] } }, { errorResponse: { errorCode: number } }];
    expect(list.listServicesResponse.service.map(({ name }) => name)).toEqual(expect.arrayContaining(["parapet.auth.v1.AuthService", "parapet.document.v1.DocumentService", "grpc.health.v1.Health"]));
    expect(files.fileDescriptorResponse.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name)).toContain("parapet/document/v1/document_service.proto");
    expect(missing.errorResponse.errorCode).toBe(5);
    reflection.close();
  });
});

