/** Etags: opaque names of one state of one document. */
import { hash } from "node:crypto";

/** Length of an etag before it becomes text, in bytes. */
export const etagBytes = 16;

/**
 * The etag of a state: the first 16 bytes of SHA-256 over the document's id and the revision. A revision is never given
 * twice and an id never again, so it changes with every change and is the same on every read (RFC 9110 section 8.8.3).
 */
export function etagOf(id: Uint8Array, revision: number): Uint8Array {
  const state = Buffer.allocUnsafe(id.length + 4);
  state.set(id);
  state.writeUInt32BE(revision, id.length);
  return (hash("sha256", state, "buffer") as Buffer).subarray(0, etagBytes);
}

/** An etag as text, 22 characters of base64url. */
export function etagText(etag: Uint8Array): string {
  return Buffer.from(etag.buffer, etag.byteOffset, etag.byteLength).toString("base64url");
}
