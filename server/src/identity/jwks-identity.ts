/** Proves tokens of somebody else's issuer by the keys it publishes (RFC 7517, RFC 9068). */
import type { JWTPayload } from "jose";
import * as errors from "jose/errors";
import { createRemoteJWKSet } from "jose/jwks/remote";
import { jwtVerify } from "jose/jwt/verify";
import { CredentialKind } from "../call.js";
import { fail, Reason } from "../errors.js";
import { isServerAdmin } from "../policy/grants.js";
import type { Grants } from "../policy/rights.js";
import type { IdentitySource } from "./identity-source.js";

/** Whose tokens are believed, and what they are worth. */
export interface JwksIdentityOptions {
  /** Where the issuer publishes its keys. An unknown `kid` fetches them again, at most every ten seconds. */
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  /** Algorithms that are accepted; default EdDSA, ES256, RS256. Symmetric ones are never accepted here. */
  readonly algorithms?: readonly string[];
  /** `typ` that is wanted; default `at+jwt`. */
  readonly type?: string;
  readonly tenant?: string;
  /** What the subject of these claims may do. Looked up on every call: rights are yours to decide, not the token's. */
  readonly grantsOf: (claims: JWTPayload) => Grants | Promise<Grants>;
}

const cooldownMs = 10_000;
const leewaySeconds = 5;

/** Makes the source. API keys are refused: there is no store of them here. */
export function createJwksIdentity(options: JwksIdentityOptions): IdentitySource {
  const keys = createRemoteJWKSet(new URL(options.jwksUrl), { cooldownDuration: cooldownMs });
  const algorithms = (options.algorithms ?? ["EdDSA", "Ed25519", "ES256", "RS256"]).filter((name) => !name.startsWith("HS"));
  return {
    async authenticate({ kind, text }) {
      if (kind === "api-key") return fail(Reason.API_KEY_INVALID);
      try {
        const { payload } = await jwtVerify(text, keys, {
          issuer: options.issuer,
          audience: options.audience,
          algorithms: [...algorithms],
          typ: options.type ?? "at+jwt",
          clockTolerance: leewaySeconds,
          requiredClaims: ["sub", "iat", "exp"],
        });
        const grants = await options.grantsOf(payload);
        return {
          principal: { id: payload.sub!, name: payload.sub!, tenant: options.tenant ?? "default", admin: isServerAdmin(grants), grants },
          credential: { kind: CredentialKind.TOKEN, id: payload.jti ?? "" },
        };
      } catch (cause) {
        return fail(cause instanceof errors.JWTExpired ? Reason.TOKEN_EXPIRED : Reason.TOKEN_INVALID, {}, { cause });
      }
    },
  };
}
