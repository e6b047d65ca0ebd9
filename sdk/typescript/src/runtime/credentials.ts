/** What a client proves itself with, and how it gets a fresh token. */
import type { Clock } from "./clock.js";
import { clientError, ParapetError } from "./error.js";
import { createScope, type Scope } from "./scope.js";

/** A token, with the end of its life in Unix seconds where it is known (0: never). The response of a login has this shape. */
export type Token = string | { readonly token: string; readonly expiresAt?: number };

/** Where tokens come from: a fixed one, or a function that is asked again when the server refuses the last one. */
export type TokenSource = string | ((context: { readonly signal: AbortSignal }) => Token | PromiseLike<Token>);

/** A header that carries a credential. */
export interface CredentialHeader {
  readonly name: string;
  readonly value: string;
  /** True if another one may be had by `renew`. */
  readonly renewable?: boolean;
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

const checked = (what: string, value: unknown): string => {
  // Visible ASCII.
  if (typeof value === "string" && /^[!-~]+$/.test(value)) return value;
  // The message never shows the value, and there is no cause: what fetch says of a bad header quotes it.
  throw clientError("CREDENTIAL_UNAVAILABLE", `${what} is nothing that a header can carry`);
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
  const source = typeof token === "function" ? token : undefined;
  const bearer = (value: unknown): CredentialHeader => ({ name: "authorization", value: `Bearer ${checked("token", value)}`, renewable: !!source });
  let held: CredentialHeader | undefined;
  /** Unix time in milliseconds at which `held` should be replaced. */
  let until = Infinity;
  let asking: Promise<CredentialHeader> | undefined;
  if (apiKey !== undefined) held = { name: "x-api-key", value: checked("apiKey", apiKey) };
  else if (token !== undefined && !source) held = bearer(token);

  const ask = async (from: NonNullable<typeof source>): Promise<CredentialHeader> => {
    // A source that hangs must not hang all later calls as well.
    const scope = createScope({ clock, timeoutMs, timedOut: () => new Error("the token source took too long") });
    try {
      // Later, even for a source that fails at once: what is asked must be known as being asked before it is over.
      const given = await scope.wait(Promise.resolve({ signal: scope.signal }).then(from));
      // Of a string and of nothing as well there is an object, without these fields.
      const { token: text = given, expiresAt = 0 } = Object(given) as Partial<Exclude<Token, string>>;
      held = bearer(text);
      until = expiresAt * 1000 - earlyMs;
      // One that never ends, or has ended by this machine's clock, which is then wrong: the server will say when.
      if (until < clock.date()) until = Infinity;
      return held;
    } catch (cause) {
      scope.end(cause);
      // What `checked` throws says enough; the failure of a call that the source made stays visible as the cause.
      if (cause instanceof ParapetError && cause.method === "") throw cause;
      throw clientError("CREDENTIAL_UNAVAILABLE", "the token source failed", { cause });
    } finally {
      scope.end();
      asking = undefined;
    }
  };

  return {
    async header(scope, open) {
      if (held && until > clock.date()) return held;
      return open || !source ? undefined : scope.wait((asking ??= ask(source)));
    },
    renew(refused) {
      if (held === refused) held = undefined;
    },
  };
}
