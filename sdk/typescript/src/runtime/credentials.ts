/** What a client proves itself with, and how it gets a fresh token. */
import type { Clock } from "./clock.js";
import { clientError, ParapetError } from "./error.js";
import type { Scope } from "./scope.js";

/** A token, with the end of its life in Unix seconds where it is known (0: never). The response of a login has this shape. */
export type Token = string | { readonly token: string; readonly expiresAt?: number };

/** Where tokens come from: a fixed one, or a function that is asked again when the server refuses the last one. */
export type TokenSource = string | ((context: { readonly signal: AbortSignal }) => Token | PromiseLike<Token>);

/** A header that carries a credential. */
export interface CredentialHeader {
  readonly name: string;
  readonly value: string;
  /** True if another one may be had by `renew`. */
  readonly renewable: boolean;
}

/** The credentials of one client; the secrets live in closures, where neither `util.inspect` nor `JSON.stringify` looks. */
export interface Credentials {
  /**
   * The header to send, if there is one. Asks the token source where it must; not for public methods, of which one may be the source's own login.
   * Concurrent calls share one question. Fails with CREDENTIAL_UNAVAILABLE.
   */
  header(scope: Scope, open: boolean): Promise<CredentialHeader | undefined>;
  /** Forgets a token that was refused, unless it was replaced since. */
  renew(refused: CredentialHeader): void;
}

/** A token is renewed this much before it ends, in milliseconds. */
const earlyMs = 10_000;

const visibleAscii = /^[\x21-\x7e]+$/;

// The message never shows the value, and there is no cause: what fetch says of a bad header quotes it.
const unusable = (what: string): ParapetError =>
  clientError("CREDENTIAL_UNAVAILABLE", `${what} is empty or has characters that no header can carry`);

const checked = (what: string, value: unknown): string => {
  if (typeof value === "string" && visibleAscii.test(value)) return value;
  throw unusable(what);
};

/** What `createCredentials` takes. */
export interface CredentialOptions {
  readonly apiKey?: string | undefined;
  readonly token?: TokenSource | undefined;
}

/** Makes the credentials of a client. Throws ParapetError (CREDENTIAL_UNAVAILABLE) for what no header can carry, and (REQUEST_INVALID) if both kinds are given. */
export function createCredentials({ apiKey, token }: CredentialOptions, clock: Clock, timeoutMs: number): Credentials {
  if (apiKey !== undefined && token !== undefined) {
    throw clientError("REQUEST_INVALID", "apiKey and token exclude each other");
  }
  if (typeof token !== "function") {
    const fixed: CredentialHeader | undefined =
      apiKey !== undefined
        ? { name: "x-api-key", value: checked("apiKey", apiKey), renewable: false }
        : token !== undefined
          ? { name: "authorization", value: `Bearer ${checked("token", token)}`, renewable: false }
          : undefined;
    return { header: () => Promise.resolve(fixed), renew: () => {} };
  }

  let held: { readonly header: CredentialHeader; readonly until: number } | undefined;
  let asking: Promise<CredentialHeader> | undefined;

  const ask = async (): Promise<CredentialHeader> => {
    const controller = new AbortController();
    let cancel = (): void => {};
    try {
      const given = await Promise.race([
        token({ signal: controller.signal }),
        // A source that hangs must not hang all later calls as well.
        new Promise<never>((_, reject) => {
          if (timeoutMs < Infinity) cancel = clock.after(timeoutMs, () => reject(new Error("the token source took too long")));
        }),
      ]);
      const { token: text, expiresAt = 0 } = typeof given === "object" && given !== null ? given : { token: given };
      const header = { name: "authorization", value: `Bearer ${checked("token", text)}`, renewable: true };
      held = { header, until: expiresAt === 0 ? Infinity : expiresAt * 1000 - earlyMs };
      return header;
    } catch (cause) {
      controller.abort();
      // What `checked` throws says enough; the failure of a call that the source made stays visible as the cause.
      if (cause instanceof ParapetError && cause.method === "") throw cause;
      throw clientError("CREDENTIAL_UNAVAILABLE", "the token source failed", { cause });
    } finally {
      cancel();
      asking = undefined;
    }
  };

  return {
    async header(scope, open) {
      if (held && held.until > clock.date()) return held.header;
      return open ? undefined : scope.wait((asking ??= ask()));
    },
    renew(refused) {
      if (held?.header === refused) held = undefined;
    },
  };
}
