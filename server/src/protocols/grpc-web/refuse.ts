/** Writes a failure as gRPC-Web: HTTP 200 and one trailer frame in the body (gRPC-Web protocol). */
import { statusTrailers } from "../grpc/refuse.js";
import type { Refuse } from "../protocol.js";

const trailerFlag = 0x80;

/** One frame of trailers. */
export const refuse: Refuse = (exchange, spelling, failure, headers, added) => {
  const block = Buffer.from(
    [...statusTrailers(failure), ...(added?.trailers ?? [])]
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join(""),
  );
  const frame = Buffer.allocUnsafe(5 + block.length);
  frame[0] = trailerFlag;
  frame.writeUInt32BE(block.length, 1);
  block.copy(frame, 5);
  const body = spelling.text ? Buffer.from(frame.toString("base64")) : frame;
  exchange.send(200, [["content-type", spelling.contentType], ["content-length", String(body.length)], ...headers, ...(added?.headers ?? [])], body);
};
