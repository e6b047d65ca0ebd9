/** How each compression is done and undone. */
import { brotliCompress, brotliDecompress, constants, gunzip, gzip } from "node:zlib";
import type { Failure } from "../errors.js";
import { faults, malformed, tooLarge } from "./malformed.js";
import type { Coding } from "./protocol.js";

type Done = (error: Error | null, result: Buffer) => void;

interface Packing {
  readonly pack: (bytes: Uint8Array, done: Done) => void;
  readonly unpack: (bytes: Uint8Array, bounds: { readonly maxOutputLength: number }, done: Done) => void;
}

// Its best effort takes a hundred times as long for a few per cent.
const brotliQuality = 4;

const packings: Readonly<Record<Coding, Packing>> = {
  gzip: { pack: gzip, unpack: gunzip },
  br: { pack: (bytes, done) => brotliCompress(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } }, done), unpack: brotliDecompress },
};

/** True for the names of compressions. */
export function isCoding(name: string): name is Coding {
  return Object.hasOwn(packings, name);
}

/** Compresses; undefined for what cannot be, which then goes as it is. */
export function pack(coding: Coding, bytes: Uint8Array, done: (packed: Buffer | undefined) => void): void {
  packings[coding].pack(bytes, (error, packed) => done(error === null ? packed : undefined));
}

/** Decompresses a message; a Failure for one that is larger than it may be, or cannot be decompressed. */
export function unpack(coding: Coding, bytes: Uint8Array, messageBytesMax: number, done: (message: Buffer | Failure) => void): void {
  packings[coding].unpack(bytes, { maxOutputLength: messageBytesMax }, (error, plain) => {
    if (error === null) done(plain);
    else done((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? tooLarge(messageBytesMax) : malformed(faults.notDecompressed, error));
  });
}
