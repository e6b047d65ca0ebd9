/** One call with Google's own grpc-web client, protobuf-es beneath it as the codec. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { GetRequestSchema, GetResponseSchema, type GetRequest, type GetResponse } from "@parapet/contract/parapet/document/v1/document_service_pb";
import { GrpcWebClientBase, MethodDescriptor, MethodType } from "grpc-web";

const get = new MethodDescriptor<GetRequest, GetResponse>(
  "/parapet.document.v1.DocumentService/Get",
  MethodType.UNARY,
  Object as never,
  Object as never,
  (request) => toBinary(GetRequestSchema, request),
  (bytes: Uint8Array) => fromBinary(GetResponseSchema, bytes),
);

/** The text of a document, fetched over gRPC-Web text (the mode that client streams in). */
export async function getWithGoogle(baseUrl: string, token: string, collection: string, key: string): Promise<string> {
  const client = new GrpcWebClientBase({ format: "text" });
  const response = await client.unaryCall(`${baseUrl}/parapet.document.v1.DocumentService/Get`, create(GetRequestSchema, { collection, key }), { authorization: `Bearer ${token}` }, get);
  return response.document?.contentMd ?? "nothing";
}
