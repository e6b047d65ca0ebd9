/** Parsing of JSON bodies, alike for every protocol that carries them. */
import type { JsonValue } from "@bufbuild/protobuf";
import { fail, Reason } from "../errors.js";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Parses JSON text. Undefined for an empty body. Throws REQUEST_MALFORMED, never with the text. */
export function parseJson(body: Uint8Array): JsonValue | undefined {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(utf8.decode(body)) as JsonValue;
  } catch (cause) {
    throw fail(Reason.REQUEST_MALFORMED, {}, { message: "the body is not valid JSON", cause });
  }
}
