/** Reads header fields of either HTTP version into one shape. */
import type { IncomingHttpHeaders } from "node:http2";
import type { Fields } from "./wire.js";

/** Fields from Node's flat list of names and values in turn. */
export function fromRawHeaders(raw: readonly string[]): Fields {
  const fields = new Map<string, string[]>();
  for (let index = 0; index + 1 < raw.length; index += 2) push(fields, raw[index]!.toLowerCase(), raw[index + 1]!);
  return fields;
}

/** Fields from Node's object of HTTP/2 headers, without pseudo-headers. */
export function fromHttp2Headers(headers: IncomingHttpHeaders): Fields {
  const fields = new Map<string, string[]>();
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const each of Array.isArray(value) ? value : [value]) push(fields, name, each);
  }
  return fields;
}

/** Fields from lines such as `grpc-status: 0`. */
export function fromLines(text: string): Fields {
  const fields = new Map<string, string[]>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon > 0) push(fields, line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return fields;
}

function push(fields: Map<string, string[]>, name: string, value: string): void {
  const values = fields.get(name);
  if (values === undefined) fields.set(name, [value]);
  else values.push(value);
}
