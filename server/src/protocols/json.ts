/** Parsing of JSON bodies, alike for every protocol that carries them. */
import type { JsonValue } from "@bufbuild/protobuf";
import { isUnbounded } from "./json-bounds.js";
import { namesTwice } from "./json-names.js";
import { faults, malformed } from "./malformed.js";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Parses JSON text. Undefined for an empty body. Throws REQUEST_MALFORMED, never with the text. */
export function parseJson(body: Uint8Array): JsonValue | undefined {
  if (body.length === 0) return undefined;
  let text: string;
  let json: JsonValue;
  try {
    text = utf8.decode(body);
  } catch (cause) {
    throw malformed(faults.notJson, cause);
  }
  if (isUnbounded(text)) throw malformed(faults.unbounded);
  try {
    json = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw malformed(faults.notJson, cause);
  }
  if (namesTwice(text)) throw malformed(faults.nameTwice);
  return json;
}
