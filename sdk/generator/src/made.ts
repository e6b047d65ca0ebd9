/** Generated files in the form in which they are compared and written: bytes with their hash. */
import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { OutputFile } from "./model.js";

/** A file as it is to stand on disk. */
export interface MadeFile {
  /** Relative to the output folder, with forward slashes. */
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the bytes in hex. */
  readonly hash: string;
  /** True for a file that is written where none is, and is its owner's from then on. */
  readonly once: boolean;
  /** Of such a file: the generated one that does not compile without it. */
  readonly importedBy?: string;
}

const encoder = new TextEncoder();

/** Files of a target in the folder that was chosen for it. */
export function madeOf(folder: string, files: readonly OutputFile[]): MadeFile[] {
  return files.map(({ path, content, once = false, importedBy }) => {
    const bytes = encoder.encode(content);
    return { path: posix.join(folder, path), bytes, hash: hashOf(bytes), once, ...(importedBy === undefined ? {} : { importedBy: posix.join(folder, importedBy) }) };
  });
}

/** SHA-256 in hex. */
export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
