/** Hashes passwords, and verifies them so that time says nothing about who exists. */
import { hash as argon2Hash, verify as argon2Verify } from "@node-rs/argon2";
import { fail, Reason } from "../errors.js";
import { passwordsAtOnce, passwordsWaitingMax } from "../limits.js";
import { isCommonPassword } from "./common-passwords.js";
import { isWellFormed } from "../unicode.js";
import { fieldInvalid } from "./well-formed.js";

/** Hashes and verifies passwords. */
export interface Passwords {
  /**
   * Argon2id as a PHC string, over the exact UTF-8 bytes: nothing is normalized, cut or trimmed, NUL is a byte like others
   * (AN-25, AN-30). Throws NOT_READY when too many passwords wait.
   */
  hash(password: string): Promise<string>;
  /**
   * True if the password opens this hash. Without a hash, or for a text that can be nobody's password, it does the same work
   * and says no (AN-27, AN-28). Throws NOT_READY when too many passwords wait.
   */
  verify(hash: string | undefined, password: string): Promise<boolean>;
  /** Throws FIELD_INVALID for a password in `field` that is not well-formed or, in strict mode, common; otherwise warns of a common one. */
  requireAcceptable(field: string, password: string): void;
}

/** How passwords are treated. */
export interface PasswordOptions {
  readonly randomBytes: (size: number) => Uint8Array;
  /** What happens to common passwords. */
  readonly policy: "warn" | "strict";
  /** Told that a common password was accepted, never which. */
  readonly onCommon?: () => void;
}

/** OWASP's least for argon2id: 19 MiB, two passes, one lane. 2 is the library's number of the id variant. */
const parameters = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

type Verify = (hash: string, password: Buffer) => Promise<boolean>;

/** How a stored hash is verified, by how it begins (PHC string format). Hashes brought from elsewhere get a row here. */
const verifiers: readonly (readonly [prefix: string, verify: Verify])[] = [["$argon2id$", (hash, password) => argon2Verify(hash, password)]];

/** Makes the one place that works on passwords. */
export function createPasswords({ randomBytes, policy, onCommon }: PasswordOptions): Passwords {
  const inTurn = createTurns(passwordsAtOnce, passwordsWaitingMax);
  const base64 = (size: number): string => Buffer.from(randomBytes(size)).toString("base64").replace(/=+$/, "");
  // No password is known whose hash this is: the tag is random.
  const nobodys = `$argon2id$v=19$m=${parameters.memoryCost},t=${parameters.timeCost},p=${parameters.parallelism}$${base64(16)}$${base64(32)}`;

  return {
    hash(password) {
      return inTurn(() => argon2Hash(Buffer.from(password, "utf8"), parameters));
    },
    verify(hash, password) {
      return inTurn(async () => {
        const verify = isWellFormed(password) ? verifiers.find(([prefix]) => hash?.startsWith(prefix))?.[1] : undefined;
        const opened = await (verify ?? argon2Verify)(verify === undefined ? nobodys : hash!, Buffer.from(password, "utf8"));
        return verify !== undefined && opened;
      });
    },
    requireAcceptable(field, password) {
      if (!isWellFormed(password)) throw fieldInvalid(field, "must be well-formed Unicode", "string.well_formed");
      if (!isCommonPassword(password)) return;
      if (policy === "strict") throw fieldInvalid(field, "is one of the passwords that are tried first", "password.common");
      onCommon?.();
    },
  };
}

/** Lets at most `atOnce` tasks run and `waitingMax` wait: each holds a thread of the pool that files and DNS need too. */
function createTurns(atOnce: number, waitingMax: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running < atOnce) running++;
    else if (waiting.length >= waitingMax) throw fail(Reason.NOT_READY, {}, { message: "too many passwords are being verified" });
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      // The turn goes over as it is, so that nobody overtakes those who wait.
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
