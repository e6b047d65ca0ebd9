/** Compresses request headers once and reads response headers (HPACK, RFC 7541). */
import { decodeHuffman } from "./huffman.js";

/** A header with its name in lower case. */
export type Header = readonly [name: string, value: string];

/** The static table (RFC 7541 appendix A), from index 1: names, with a value where the table has one. */
const staticTable: readonly Header[] = `
:authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204
:status=206|:status=304|:status=400|:status=404|:status=500|accept-charset|accept-encoding=gzip, deflate
accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control
content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type
cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since
last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after
server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate`
  .trim()
  .split(/[|\n]/)
  .map((entry) => {
    const equals = entry.indexOf("=");
    return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
  });

/** Size that a dynamic table has until somebody says otherwise, in bytes (RFC 9113 §6.5.2). */
const tableBytesDefault = 4096;
/** What an entry of the dynamic table costs beside its text, in bytes (RFC 7541 §4.1). */
const entryOverheadBytes = 32;

/** One set of request headers, ready to send many times on one connection. */
export interface EncodedHeaders {
  /** For the first request on a connection: puts every header into the dynamic table. */
  readonly first: Uint8Array;
  /** For the others: an index per header. */
  readonly later: Uint8Array;
}

/**
 * Encodes headers once for all requests of a connection, as an ordinary client would: in full the first time, as
 * indices after that. They must fit the default dynamic table.
 *
 * @throws Error if they do not.
 */
export function encodeHeaders(headers: readonly Header[]): EncodedHeaders {
  const size = headers.reduce((sum, [name, value]) => sum + name.length + value.length + entryOverheadBytes, 0);
  if (size > tableBytesDefault) throw new Error(`${size} bytes of headers do not fit the dynamic table`);
  const first: number[] = [];
  const later: number[] = [];
  headers.forEach(([name, value], position) => {
    // The last entry that was added is the first of the dynamic table.
    pushInteger(later, 0x80, 7, staticTable.length + headers.length - position);
    first.push(0x40);
    pushText(first, name);
    pushText(first, value);
  });
  return { first: Uint8Array.from(first), later: Uint8Array.from(later) };
}

function pushText(bytes: number[], text: string): void {
  const encoded = Buffer.from(text, "latin1");
  pushInteger(bytes, 0, 7, encoded.length);
  bytes.push(...encoded);
}

/** Writes an integer behind a prefix (RFC 7541 §5.1). */
function pushInteger(bytes: number[], pattern: number, prefixBits: number, value: number): void {
  const full = (1 << prefixBits) - 1;
  if (value < full) {
    bytes.push(pattern | value);
    return;
  }
  bytes.push(pattern | full);
  let rest = value - full;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
}

/** Reads the header blocks of one connection, in the order in which they arrive. */
export interface HeaderDecoder {
  /** Calls `visit` for every header of a block. */
  decode(block: Uint8Array, visit: (name: string, value: string) => void): void;
}

/** Makes the decoder of one connection. It throws an Error for a block that breaks RFC 7541. */
export function createHeaderDecoder(): HeaderDecoder {
  /** Newest first. */
  const dynamicTable: Header[] = [];
  let tableBytes = 0;
  let tableBytesMax = tableBytesDefault;
  let bytes: Uint8Array = new Uint8Array();
  let at = 0;

  function integer(prefixBits: number): number {
    const full = (1 << prefixBits) - 1;
    let value = bytes[at++]! & full;
    if (value < full) return value;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at++];
      if (byte === undefined || scale > 2 ** 28) throw new Error("a header block has a broken integer");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  function text(): string {
    const huffman = (bytes[at]! & 0x80) !== 0;
    const length = integer(7);
    const start = at;
    at += length;
    if (at > bytes.length) throw new Error("a header block ends within a string");
    return huffman ? decodeHuffman(bytes, start, at) : Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("latin1");
  }

  function entry(index: number): Header {
    const found = staticTable[index - 1] ?? dynamicTable[index - 1 - staticTable.length];
    if (found === undefined) throw new Error(`a header block names index ${index}, which is not there`);
    return found;
  }

  function shrinkTo(size: number): void {
    while (tableBytes > size) {
      const [name, value] = dynamicTable.pop()!;
      tableBytes -= name.length + value.length + entryOverheadBytes;
    }
  }

  function remember(header: Header): void {
    const size = header[0].length + header[1].length + entryOverheadBytes;
    shrinkTo(Math.max(0, tableBytesMax - size));
    if (size > tableBytesMax) return;
    dynamicTable.unshift(header);
    tableBytes += size;
  }

  function literal(prefixBits: number): Header {
    const index = integer(prefixBits);
    const name = index === 0 ? text() : entry(index)[0];
    return [name, text()];
  }

  return {
    decode(block, visit) {
      bytes = block;
      at = 0;
      while (at < bytes.length) {
        const byte = bytes[at]!;
        if (byte & 0x80) {
          const [name, value] = entry(integer(7));
          visit(name, value);
        } else if (byte & 0x40) {
          const header = literal(6);
          remember(header);
          visit(header[0], header[1]);
        } else if (byte & 0x20) {
          tableBytesMax = integer(5);
          shrinkTo(tableBytesMax);
        } else {
          const [name, value] = literal(4);
          visit(name, value);
        }
      }
    },
  };
}
