/** The wire form of a unary Connect call: the bare message each way, or the request in the query of a GET (Connect protocol). */
import { fail, Reason } from "../../errors.js";
import type { UnaryProtocol } from "../protocol.js";

/** The message of a GET, as its query carries it. Throws REQUEST_MALFORMED for base64 that is none. */
export function messageOfQuery(query: string): Buffer {
  const given = new URLSearchParams(query);
  const message = given.get("message") ?? "";
  if (given.get("base64") !== "1") return Buffer.from(message);
  const standard = message.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/]*$/.test(standard) || standard.length % 4 === 1) throw fail(Reason.REQUEST_MALFORMED, {}, { message: "the message parameter is not base64" });
  return Buffer.from(standard, "base64");
}

/** Connect. */
export const unary: UnaryProtocol = {
  name: "connect",
  acceptEncoding: (exchange) => exchange.header("accept-encoding"),
  unwrap: (exchange, _spelling, body, { encoding }) => ({ bytes: exchange.verb === "POST" ? body : messageOfQuery(exchange.query), compressed: encoding !== "identity" }),
  answer(exchange, spelling, given, coding, headers, added) {
    const head: [string, string][] = [];
    // Node writes text and head in one encoding: what a handler puts into headers may be Latin-1.
    const message = added !== undefined && typeof given === "string" ? Buffer.from(given) : given;
    if (added !== undefined) {
      for (const [name, value] of added.headers) head.push([name, value]);
      for (const [name, value] of added.trailers) head.push([`trailer-${name}`, value]);
    }
    head.push(["content-type", spelling.contentType], ["content-length", String(typeof message === "string" ? Buffer.byteLength(message) : message.length)]);
    if (coding !== undefined) head.push(["content-encoding", coding]);
    exchange.send(200, [...head, ...headers], message);
  },
};
