/** gRPC-Web, binary and text (github.com/grpc/grpc, doc/PROTOCOL-WEB.md). */
import { frame, frames } from "./envelope.js";
import { fromLines } from "./fields.js";
import { binaryOf, credentialHeaders, fromBinaryMessage, inflated } from "./messages.js";
import { fromGrpcTrailers } from "./status.js";
import { type Codec, field, type Fields, type HttpResponse } from "./wire.js";

const trailerFlag = 0x80;

function codec(contentType: string, text: boolean): Codec {
  return {
    encode: (method, request, options) => {
      const body = frame(options.payload ?? binaryOf(method.desc.input, request), options.gzip ? 1 : 0);
      return {
        verb: "POST",
        path: method.path,
        headers: [
          ["content-type", contentType],
          ["accept", contentType],
          ["x-grpc-web", "1"],
          ...(options.gzip ? [["grpc-encoding", "gzip"] as const] : []),
          ...credentialHeaders(options.credential),
          ...(options.headers ?? []),
        ],
        body: text ? Buffer.from(Buffer.from(body).toString("base64")) : body,
      };
    },
    decode: (method, { headers, body }) => {
      const isText = (field(headers, "content-type") ?? "").startsWith("application/grpc-web-text");
      const all = frames(isText ? fromBase64Parts(Buffer.from(body).toString("latin1")) : body);
      const trailer = all.find(({ flags }) => (flags & trailerFlag) !== 0);
      const outcome = fromGrpcTrailers(trailer === undefined ? headers : fromLines(Buffer.from(trailer.data).toString("latin1")));
      const messages = all
        .filter(({ flags }) => (flags & trailerFlag) === 0)
        .map(({ flags, data }) => fromBinaryMessage(method.desc.output, inflated(data, (flags & 1) === 1)));
      return { ...outcome, messages };
    },
  };
}

/** A text body may be several padded base64 texts in a row, one a flush. */
function fromBase64Parts(text: string): Uint8Array {
  return Buffer.concat(Array.from(text.matchAll(/[A-Za-z0-9+/]+={0,2}/g), ([part]) => Buffer.from(part, "base64")));
}

/** The fields of the trailer frame of a gRPC-Web answer; none for other answers. */
export function trailerLines({ headers, body }: HttpResponse): Fields {
  const type = field(headers, "content-type") ?? "";
  if (!type.startsWith("application/grpc-web")) return new Map();
  const bytes = type.startsWith("application/grpc-web-text") ? fromBase64Parts(Buffer.from(body).toString("latin1")) : body;
  const trailer = frames(bytes).find(({ flags }) => (flags & trailerFlag) !== 0);
  return fromLines(Buffer.from(trailer?.data ?? []).toString("latin1"));
}

/** gRPC-Web with binary bodies. */
export const grpcWeb = codec("application/grpc-web+proto", false);
/** gRPC-Web with base64 bodies. */
export const grpcWebText = codec("application/grpc-web-text", true);
