/** Base64 in both directions, for `bytes` fields and error details. */
import type { Base64 } from "./json.js";

/** Bytes as padded standard base64 (RFC 4648 section 4), as the JSON form of `bytes` wants them. */
export function bytesToBase64(bytes: Uint8Array): Base64 {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Bytes of standard or URL-safe base64, padded or not, as the JSON form of `bytes` allows. Throws a DOMException for anything else. */
export function base64ToBytes(text: Base64): Uint8Array {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
