/** Takes tokens apart and makes others of them, good and bad (RFC 7515, RFC 7519). */
import { createHmac } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";

/** The parts of a compact JWS. */
export interface TokenParts {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  /** As they were sent. */
  readonly text: { readonly header: string; readonly claims: string; readonly signature: string };
}

/** Takes a token apart; undefined where it is no compact JWS, as of a deployment with opaque tokens. */
export function partsOf(token: string): TokenParts | undefined {
  const [header, claims, signature, more] = token.split(".");
  if (!header || !claims || !signature || more !== undefined) return undefined;
  try {
    return { header: parse(header), claims: parse(claims), text: { header, claims, signature } };
  } catch {
    return undefined;
  }
}

/** Base64url of a JSON value, without padding. */
export function encoded(json: JsonObject): string {
  return Buffer.from(JSON.stringify(json)).toString("base64url");
}

/** Signs with a shared secret (RFC 7518 section 3.2). */
export function signed(header: JsonObject, claims: JsonObject, key: Uint8Array, hash: "sha256" | "sha384" | "sha512" = "sha256"): string {
  const input = `${encoded(header)}.${encoded(claims)}`;
  return `${input}.${createHmac(hash, key).update(input).digest("base64url")}`;
}

/** The same signature in other letters: the unused bits of the last one set. The bytes it stands for do not change. */
export function withUnusedBits(signature: string): string | undefined {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const unused = { 2: 0b1111, 3: 0b11 }[signature.length % 4];
  const last = alphabet.indexOf(signature.at(-1) ?? "");
  return unused === undefined || last < 0 ? undefined : signature.slice(0, -1) + alphabet[last ^ unused];
}

/** A text with one bit of one of its bytes flipped. */
export function withFlippedBit(base64url: string, index: number): string {
  const bytes = Buffer.from(base64url, "base64url");
  bytes[index % bytes.length]! ^= 1;
  return bytes.toString("base64url");
}

function parse(part: string): JsonObject {
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8")) as JsonObject;
}
