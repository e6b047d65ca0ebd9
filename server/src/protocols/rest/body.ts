/** Reads a REST body within its bounds: whole, line by line, or piece by piece. */
import { createGunzip } from "node:zlib";
import type { JsonValue } from "@bufbuild/protobuf";
import { fail, Failure, Reason } from "../../errors.js";
import type { Exchange } from "../exchange.js";
import { isUnbounded } from "../json-bounds.js";
import { namesTwice } from "../json-names.js";
import { faults } from "../malformed.js";

const utf8 = new TextDecoder("utf-8", { fatal: true });

const tooLarge = (bytesMax: number): Failure => fail(Reason.MESSAGE_TOO_LARGE, { bytesMax: String(bytesMax) }, { message: `a message may have at most ${bytesMax} bytes` });

/** The body as a stream of decompressed bytes. Throws ENCODING_UNSUPPORTED. */
function plainBody(exchange: Exchange): AsyncIterable<Uint8Array> {
  const encoding = (exchange.header("content-encoding") ?? "identity").toLowerCase();
  if (encoding === "identity" || encoding === "") return exchange.body();
  if (encoding !== "gzip") throw fail(Reason.ENCODING_UNSUPPORTED, {}, { message: "a body may be sent as it is or with gzip" });
  const gunzip = createGunzip();
  exchange.source.on("error", (error) => gunzip.destroy(error));
  exchange.source.on("aborted", () => gunzip.destroy(fail(Reason.CALL_CANCELLED)));
  return exchange.source.pipe(gunzip);
}

function bodyFailure(cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  if (code.startsWith("Z_")) return fail(Reason.REQUEST_MALFORMED, {}, { message: "the body is not valid gzip", cause });
  return fail(Reason.CALL_CANCELLED, {}, { cause });
}

/** The whole body. Throws MESSAGE_TOO_LARGE as soon as it is known to be, ENCODING_UNSUPPORTED, CALL_CANCELLED. */
export async function readBody(exchange: Exchange, bytesMax: number): Promise<Buffer> {
  const declared = exchange.declaredBodyBytes();
  if (declared === 0) return Buffer.alloc(0);
  if (declared !== undefined && declared > bytesMax) throw tooLarge(bytesMax);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of plainBody(exchange)) {
      length += chunk.length;
      if (length > bytesMax) throw tooLarge(bytesMax);
      chunks.push(chunk);
    }
  } catch (cause) {
    throw bodyFailure(cause);
  }
  return chunks.length === 1 ? Buffer.from(chunks[0]!.buffer, chunks[0]!.byteOffset, chunks[0]!.byteLength) : Buffer.concat(chunks, length);
}

/** The bytes of a body piece by piece, as they arrive. Throws ENCODING_UNSUPPORTED, CALL_CANCELLED. */
export async function* readPieces(exchange: Exchange): AsyncGenerator<Uint8Array> {
  if (exchange.declaredBodyBytes() === 0) return;
  try {
    for await (const chunk of plainBody(exchange)) yield chunk;
  } catch (cause) {
    throw bodyFailure(cause);
  }
}

/** The JSON values of a body with one value a line. Empty lines are skipped. Throws like readBody, for each line by itself. */
export async function* readLines(exchange: Exchange, lineBytesMax: number): AsyncGenerator<JsonValue> {
  if (exchange.declaredBodyBytes() === 0) return;
  let rest: Uint8Array[] = [];
  let length = 0;
  let line = 0;
  const parse = (bytes: Uint8Array): JsonValue | undefined => {
    line++;
    const badLine = (message: string, cause?: unknown): Failure => fail(Reason.REQUEST_MALFORMED, { line: String(line) }, { message: `line ${line}${message}`, cause });
    let text: string;
    let value: JsonValue;
    try {
      text = utf8.decode(bytes).trim();
    } catch (cause) {
      throw badLine(" is not valid JSON", cause);
    }
    if (text === "") return undefined;
    if (isUnbounded(text)) throw badLine(`: ${faults.unbounded}`);
    try {
      value = JSON.parse(text) as JsonValue;
    } catch (cause) {
      throw badLine(" is not valid JSON", cause);
    }
    if (namesTwice(text)) throw badLine(" has an object with two members of one name");
    return value;
  };
  try {
    for await (const chunk of plainBody(exchange)) {
      let from = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
        const piece = chunk.subarray(from, end);
        from = end + 1;
        if (length + piece.length > lineBytesMax) throw tooLarge(lineBytesMax);
        const value = parse(rest.length === 0 ? piece : Buffer.concat([...rest, piece]));
        rest = [];
        length = 0;
        if (value !== undefined) yield value;
      }
      if (from < chunk.length) {
        const piece = chunk.subarray(from);
        rest.push(piece);
        length += piece.length;
        if (length > lineBytesMax) throw tooLarge(lineBytesMax);
      }
    }
  } catch (cause) {
    throw bodyFailure(cause);
  }
  if (rest.length > 0) {
    const value = parse(Buffer.concat(rest));
    if (value !== undefined) yield value;
  }
}
