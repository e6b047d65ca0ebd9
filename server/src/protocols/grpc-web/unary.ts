/** The wire form of a unary gRPC-Web call: a message frame, then a trailer frame in the body; base64 around both in text. */
import { prefixed, onlyMessage } from "../frame.js";
import type { UnaryProtocol } from "../protocol.js";
import { decodeBase64 } from "./text.js";

const trailerFlag = 0x80;

function trailerFrame(lines: string): Buffer {
  const block = Buffer.from(lines);
  const frame = prefixed(block, false);
  frame[0] = trailerFlag;
  return frame;
}

const ok = trailerFrame("grpc-status: 0\r\n");

/** gRPC-Web. */
export const unary: UnaryProtocol = {
  name: "grpc-web",
  requestEncoding: (exchange) => exchange.header("grpc-encoding"),
  acceptEncoding: (exchange) => exchange.header("grpc-accept-encoding"),
  unwrap: (_exchange, spelling, body, encoding) => onlyMessage(spelling.text ? decodeBase64(body.toString("latin1")) : body, encoding),
  answer(exchange, spelling, message, compressed, headers, context) {
    const { addedHeaders, addedTrailers } = context;
    const trailer = addedTrailers === undefined ? ok : trailerFrame(`grpc-status: 0\r\n${[...addedTrailers].map(([name, value]) => `${name}: ${value}\r\n`).join("")}`);
    const frames = Buffer.concat([prefixed(message, compressed), trailer]);
    const body = spelling.text ? Buffer.from(frames.toString("base64")) : frames;
    const head: [string, string][] = [["content-type", spelling.contentType], ["content-length", String(body.length)]];
    if (compressed) head.push(["grpc-encoding", "gzip"]);
    exchange.send(200, [...(addedHeaders ?? []), ...head, ...headers], body);
  },
};
