/** The port through which the gate learns who is calling. */
import type { CredentialFacts, Principal } from "../call.js";
import type { Failure } from "../errors.js";

/** The one request credential of a call, as it was sent. */
export interface SentCredential {
  /** Which header it came in: `Authorization: Bearer` or `X-API-Key`. */
  readonly kind: "bearer" | "api-key";
  /** Its secret text. Never logged, never stored. */
  readonly text: string;
}

/** Who a credential proved, and which one it was. */
export interface Authenticated {
  /** The principal as it is now; its grants are narrowed by the credential's scope. */
  readonly principal: Principal;
  readonly credential: CredentialFacts;
}

/** Proves credentials. Another implementation of it (OIDC, a test double, nobody at all) takes the place of the built-in users. */
export interface IdentitySource {
  /**
   * Says whom a credential proves at this moment, or why it proves nobody: TOKEN_INVALID, TOKEN_EXPIRED, API_KEY_INVALID.
   * A source that knows the answer returns it at once rather than a promise. Revocation must count on the very next call (AN-21).
   */
  authenticate(sent: SentCredential, from: { readonly clientIp: string }): Authenticated | Failure | Promise<Authenticated | Failure>;
}
