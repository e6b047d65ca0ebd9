/** Page tokens: positions in a result, signed and bound to the query that gave them. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { fail, Reason } from "../errors.js";

/** Makes and opens page tokens. */
export interface PageTokens {
  /**
   * A token for `position`, in base64url without padding: 17 bytes more than the position, times 4/3.
   * `kind` names the list; `queryHash` stands for all that must stay the same between pages: tenant, principal and filters
   * (AIP-158; a token of one principal is useless to another).
   */
  seal(kind: string, queryHash: Uint8Array | string, position: Uint8Array): string;
  /** The position of a token that was made with the same kind and query hash. Throws PAGE_TOKEN_INVALID. */
  open(kind: string, queryHash: Uint8Array | string, token: string): Uint8Array;
}

/** Leads every token, so that a later layout can be told from this one. */
const version = 1;
const macBytes = 16;
const headBytes = 1 + macBytes;

/**
 * Page tokens under an HMAC-SHA256 key of at least 16 bytes. Layout: version byte, the first 16 bytes of the HMAC over
 * version, kind, query hash (both length-framed) and position, then the position itself. Signed, not secret: put nothing
 * into a position that its reader may not know.
 */
export function createPageTokens(key: Uint8Array): PageTokens {
  if (key.length < 16) throw new RangeError("a page token key has at least 16 bytes");
  const macOf = (kind: string, queryHash: Uint8Array | string, position: Uint8Array): Buffer =>
    createHmac("sha256", key)
      .update(Uint8Array.of(version))
      .update(framed(kind))
      .update(framed(queryHash))
      .update(position)
      .digest()
      .subarray(0, macBytes);
  return {
    seal(kind, queryHash, position) {
      return Buffer.concat([Uint8Array.of(version), macOf(kind, queryHash, position), position]).toString("base64url");
    },
    open(kind, queryHash, token) {
      const bytes = Buffer.from(token, "base64url");
      // Node skips what is not base64url; a second spelling of a token must not pass.
      const canonical = bytes.toString("base64url") === token;
      if (!canonical || bytes.length < headBytes || bytes[0] !== version) throw fail(Reason.PAGE_TOKEN_INVALID);
      const position = bytes.subarray(headBytes);
      if (!timingSafeEqual(bytes.subarray(1, headBytes), macOf(kind, queryHash, position))) throw fail(Reason.PAGE_TOKEN_INVALID);
      return Uint8Array.from(position);
    },
  };
}

function framed(part: Uint8Array | string): Buffer {
  const bytes = typeof part === "string" ? Buffer.from(part, "utf8") : part;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
