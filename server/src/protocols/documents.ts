/** Documents that are served as they are, such as `/openapi.yaml`: compressed where the caller takes it, and once to each cache (RFC 9110 sections 8.8.3, 12.5.3 and 13.1.2). */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { preferredCoding } from "./accept-encoding.js";
import type { Exchange, HeaderList } from "./exchange.js";

/** A document that is served as it is. */
export interface StaticDocument {
  readonly contentType: string;
  /** Its bytes; or, where it is kept compressed, those that gzip makes of them. */
  readonly body: Buffer | { readonly gzip: Buffer };
  /** `cache-control`; default `no-cache`: a cache asks each time whether it has changed. */
  readonly cacheControl?: string;
  /** Further headers. */
  readonly headers?: HeaderList;
}

/** Answers a GET or HEAD; `headers` are those of every answer. */
export type DocumentAnswer = (exchange: Exchange, headers: HeaderList) => void;

/** Documents smaller than this are not worth compressing, in bytes. */
const gzipBytesMin = 1024;

/** Prepares a document to be served. Its other form is made when somebody first asks for it. */
export function createDocumentAnswer({ contentType, body, cacheControl = "no-cache", headers: own = [] }: StaticDocument): DocumentAnswer {
  const given = Buffer.isBuffer(body) ? body : body.gzip;
  const packs = given !== body || given.length >= gzipBytesMin;
  let plain = given === body ? given : undefined;
  let packed = given === body ? undefined : given;
  // Weak: it names both forms.
  const etag = `W/"${createHash("sha256").update(given).digest("base64url")}"`;
  const shared: HeaderList = [["etag", etag], ["cache-control", cacheControl], ...(packs ? [["vary", "Accept-Encoding"] as const] : []), ["x-content-type-options", "nosniff"], ...own];
  return (exchange, headers) => {
    if (isKnown(exchange.header("if-none-match"), etag)) return exchange.send(304, [...shared, ...headers], undefined);
    const asGzip = packs && preferredCoding(exchange.values("accept-encoding").join(), ["gzip"]) === "gzip";
    const bytes = asGzip ? (packed ??= gzipSync(given)) : (plain ??= gunzipSync(given));
    const encoding: HeaderList = asGzip ? [["content-encoding", "gzip"]] : [];
    exchange.send(200, [["content-type", contentType], ...encoding, ["content-length", String(bytes.length)], ...shared, ...headers], bytes);
  };
}

/** If-None-Match compares weakly: what stands before the quotes does not count. */
function isKnown(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === "*" || header.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag.slice(2));
}
