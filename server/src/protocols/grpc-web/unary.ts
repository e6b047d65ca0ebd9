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

const status = ["grpc-status", "0"] as const;
const ok = trailerFrame("grpc-status: 0\r\n");
const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : a > b ? 1 : 0);

/** gRPC-Web. */
export const unary: UnaryProtocol = {
  name: "grpc-web",
  acceptEncoding: (exchange) => exchange.header("grpc-accept-encoding"),
  unwrap: (_exchange, spelling, body, bounds) => onlyMessage(spelling.text ? decodeBase64(body.toString("latin1")) : body, bounds),
  answer(exchange, spelling, message, coding, headers, added) {
    const trailer = added === undefined ? ok : trailerFrame([...added.trailers, status].sort(byName).map(([name, value]) => `${name}: ${value}\r\n`).join(""));
    const frames = Buffer.concat([prefixed(message, coding !== undefined), trailer]);
    const body = spelling.text ? Buffer.from(frames.toString("base64")) : frames;
    const head: [string, string][] = [["content-type", spelling.contentType], ["content-length", String(body.length)]];
    if (coding !== undefined) head.push(["grpc-encoding", coding]);
    exchange.send(200, [...(added?.headers ?? []), ...head, ...headers], body);
  },
};
