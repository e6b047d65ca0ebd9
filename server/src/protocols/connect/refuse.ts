/** Writes a failure as Connect: an HTTP status and JSON, or 200 and an end-of-stream message (Connect protocol). */
import { toBinary } from "@bufbuild/protobuf";
import { codeNames, detailsOf, httpStatusOfCode, Reason, type Failure } from "../../errors.js";
import { challenge } from "../challenge.js";
import { base64, type Refuse } from "../protocol.js";

const endStreamFlag = 0x02;

/** The error object of Connect. */
export function errorJson(failure: Failure): object {
  return {
    code: codeNames[failure.facts.code],
    message: failure.message,
    details: detailsOf(failure).map(({ desc, value }) => ({ type: desc.typeName, value: base64(toBinary(desc, value)) })),
  };
}

/** Before a method is resolved HTTP has words of its own; after it the table of codes holds (ER-01). */
const routingReasons = new Set([Reason.METHOD_UNKNOWN, Reason.VERB_NOT_ALLOWED, Reason.CONTENT_TYPE_UNSUPPORTED]);

/** A unary error, or the end of a stream that never began. */
export const refuse: Refuse = (exchange, spelling, failure, headers, added) => {
  if (!spelling.stream) {
    const { code, reason, httpStatus } = failure.facts;
    const body = Buffer.from(JSON.stringify(errorJson(failure)));
    const status = routingReasons.has(reason) ? httpStatus : httpStatusOfCode[code];
    exchange.send(status, [["content-type", "application/json"], ["content-length", String(body.length)], ...challenge(failure), ...headers, ...(added?.headers ?? []), ...(added?.trailers ?? []).map(([name, value]) => [`trailer-${name}`, value] as const)], body);
    return;
  }
  const block = Buffer.from(JSON.stringify({ error: errorJson(failure), ...(added === undefined ? {} : { metadata: Object.fromEntries(added.trailers.map(([name, value]) => [name, [value]])) }) }));
  const frame = Buffer.allocUnsafe(5 + block.length);
  frame[0] = endStreamFlag;
  frame.writeUInt32BE(block.length, 1);
  block.copy(frame, 5);
  exchange.send(200, [["content-type", spelling.contentType], ["content-length", String(frame.length)], ...headers, ...(added?.headers ?? [])], frame);
};
