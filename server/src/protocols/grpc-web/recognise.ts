/** Tells gRPC-Web calls, binary and text, by their content type (gRPC-Web protocol). */
import { Protocol } from "../../call.js";
import type { Spelling } from "../protocol.js";

const spelling = (codec: "proto" | "json", text: boolean, contentType: string): Spelling => ({ protocol: Protocol.GRPC_WEB, codec, text, stream: true, contentType });

/** Spellings by media type. */
export const spellings: ReadonlyMap<string, Spelling> = new Map([
  ["application/grpc-web", spelling("proto", false, "application/grpc-web+proto")],
  ["application/grpc-web+proto", spelling("proto", false, "application/grpc-web+proto")],
  ["application/grpc-web+json", spelling("json", false, "application/grpc-web+json")],
  ["application/grpc-web-text", spelling("proto", true, "application/grpc-web-text+proto")],
  ["application/grpc-web-text+proto", spelling("proto", true, "application/grpc-web-text+proto")],
]);

export { timeoutMs } from "../grpc/recognise.js";
