/** Access tokens: signed statements of who their bearer is, and of nothing else. */
import { hash, webcrypto } from "node:crypto";
import * as errors from "jose/errors";
import { SignJWT } from "jose/jwt/sign";
import { jwtVerify } from "jose/jwt/verify";
import { fail, Failure, Reason } from "../errors.js";
import { tokenLeewaySeconds, tokenLifetimeMs, tokenSecretBytesMin } from "../limits.js";
import type { NewId } from "./ids.js";
import { parseObject } from "./strict-json.js";

/** What a token that verified says. Rights are looked up, never read from it. */
export interface TokenFacts {
  /** `sub`: the opaque id of the user. */
  readonly userId: string;
  /** `jti`: identifies the token wherever it is recorded or revoked. */
  readonly tokenId: string;
  /** The user's token generation when it was issued. */
  readonly generation: number;
  /** From then on it is refused, leeway included; Unix milliseconds. */
  readonly refusedFromMs: number;
}

/** A new token. */
export interface IssuedToken {
  readonly token: string;
  readonly tokenId: string;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/** Issues and verifies tokens. */
export interface Tokens {
  issue(userId: string, generation: number): Promise<IssuedToken>;
  /** What a token says, or TOKEN_EXPIRED if nothing but its time is wrong, or TOKEN_INVALID. */
  verify(token: string): Promise<TokenFacts | Failure>;
}

/** What tokens are made of. */
export interface TokenOptions {
  /** Signs tokens by HS256: at least 32 bytes (RFC 7518 section 3.2). */
  readonly secret: Uint8Array;
  /** `iss`. */
  readonly issuer: string;
  /** `aud`. */
  readonly audience: string;
  /** Default: `limits.tokenLifetimeMs`. */
  readonly lifetimeMs?: number;
  /** Wall clock, in Unix milliseconds. */
  readonly nowMs: () => number;
  readonly newId: NewId;
}

const algorithm = "HS256";
const type = "at+jwt";

/**
 * Tokens in the JWT profile for access tokens (RFC 9068): `typ` at+jwt; `iss aud sub iat exp jti` required and checked, `nbf`
 * if there; times forgiven by `limits.tokenLeewaySeconds`. The algorithm is pinned to the one key; a `kid`, if there, must be
 * that of the key; `jwk jku x5u x5c` are never looked at; any `crit` is refused. Each part must be canonical base64url
 * (RFC 4648 section 3.5) and no header or claim may come twice, so that a token has one spelling. Throws a RangeError for a
 * secret that is too short.
 */
export function createTokens({ secret, issuer, audience, lifetimeMs = tokenLifetimeMs, nowMs, newId }: TokenOptions): Tokens {
  if (secret.length < tokenSecretBytesMin) throw new RangeError(`the secret that signs tokens needs at least ${tokenSecretBytesMin} bytes, not ${secret.length}`);
  // Imported once: a key of another kind is imported by every verification, which triples its cost.
  const imported = webcrypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  // Says which key signed without saying anything of it; HMAC tokens allow the same guess anyway.
  const keyId = hash("sha256", Buffer.concat([Buffer.from("parapet kid "), secret]), "hex").slice(0, 16);
  const invalid = (cause?: unknown): Failure => fail(Reason.TOKEN_INVALID, {}, { cause });

  return {
    async issue(userId, generation) {
      const issuedAt = Math.floor(nowMs() / 1_000);
      const expiresAt = issuedAt + Math.ceil(lifetimeMs / 1_000);
      const tokenId = newId("tok");
      const token = await new SignJWT({ gen: generation })
        .setProtectedHeader({ alg: algorithm, typ: type, kid: keyId })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .setJti(tokenId)
        .sign(await imported);
      return { token, tokenId, expiresAt };
    },
    async verify(token) {
      const parts = token.split(".");
      if (parts.length !== 3 || !parts.every(isCanonical)) return invalid();
      const header = parseObject(textOf(parts[0]!));
      const claims = parseObject(textOf(parts[1]!));
      if (header === undefined || claims === undefined) return invalid();
      if (header["alg"] !== algorithm || "crit" in header || ("kid" in header && header["kid"] !== keyId)) return invalid();
      let expired = false;
      try {
        await jwtVerify(token, await imported, {
          algorithms: [algorithm],
          typ: type,
          issuer,
          audience,
          requiredClaims: ["iss", "aud", "sub", "iat", "exp", "jti"],
          clockTolerance: tokenLeewaySeconds,
          currentDate: new Date(nowMs()),
        });
      } catch (cause) {
        // Thrown after the signature, the type, issuer and audience were found right.
        if (!(cause instanceof errors.JWTExpired)) return invalid(cause);
        expired = true;
      }
      const { sub, jti, iat, exp, gen = 0 } = claims;
      const said = typeof sub === "string" && sub !== "" && typeof jti === "string" && jti !== "" && typeof gen === "number";
      if (!said || typeof iat !== "number" || typeof exp !== "number" || iat > nowMs() / 1_000 + tokenLeewaySeconds) return invalid();
      if (expired) return fail(Reason.TOKEN_EXPIRED);
      return { userId: sub, tokenId: jti, generation: gen, refusedFromMs: (exp + tokenLeewaySeconds) * 1_000 };
    },
  };
}

/** True for base64url without padding whose unused bits are zero. */
function isCanonical(part: string): boolean {
  return part !== "" && Buffer.from(part, "base64url").toString("base64url") === part;
}

const strict = new TextDecoder("utf-8", { fatal: true });

/** The text of a canonical part; empty if it is not UTF-8. */
function textOf(part: string): string {
  try {
    return strict.decode(Buffer.from(part, "base64url"));
  } catch {
    return "";
  }
}
