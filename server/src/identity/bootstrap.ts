/** The first start of a store: makes its admin, once. */
import { CredentialKind, Decision, Protocol, RecordPhase } from "@parapet/contract/parapet/audit/v1/audit_record_pb";
import type { TransactionalAuditSink } from "../audit/sink.js";
import { describeGrants } from "../policy/grants.js";
import { ADMIN, everyCollection, READ, WRITE } from "../policy/rights.js";
import type { Store } from "../store/store.js";
import type { Accounts } from "./accounts.js";
import type { NewId } from "./ids.js";
import type { Passwords } from "./passwords.js";
import { removePasswordFile, writePasswordFile } from "./password-file.js";
import { requireWellFormed } from "./well-formed.js";

/** What the first start needs. */
export interface BootstrapOptions {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly audit: TransactionalAuditSink;
  readonly passwords: Passwords;
  readonly newId: NewId;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Wall clock, in Unix milliseconds. */
  readonly nowMs: () => number;
  readonly username: string;
  /** Undefined: one is generated into `passwordFile`. */
  readonly password: string | undefined;
  /** Where a generated password is left, with mode 0600. */
  readonly passwordFile: string;
}

/** What the first start did. */
export type Bootstrapped =
  /** The store has users; nothing was done. */
  | { readonly created: false }
  | {
      readonly created: true;
      readonly userId: string;
      /** The password that was generated, to be printed to a terminal and nowhere else; undefined if it was configured. */
      readonly generated: { readonly password: string; readonly file: string } | undefined;
    };

const allRights = READ | WRITE | ADMIN;

/**
 * Makes the admin of a store that has no user; the record of it is appended in the same transaction, by credential kind
 * SYSTEM. A generated password (24 characters of base64url, 144 bits) is in its file before the user is in the store, so that
 * no crash leaves an admin whose password nobody knows. Throws FIELD_INVALID for a configured password that the policy
 * refuses.
 */
export async function bootstrap(options: BootstrapOptions): Promise<Bootstrapped> {
  const { store, accounts, audit, passwords, username, passwordFile } = options;
  if (accounts.hasUsers(store)) return { created: false };
  if (options.password !== undefined) passwords.requireAcceptable("password", options.password);
  requireWellFormed({ username });
  const generated = options.password === undefined ? Buffer.from(options.randomBytes(18)).toString("base64url") : undefined;
  const passwordHash = await passwords.hash(generated ?? options.password!);
  const userId = options.newId("usr");
  const requestId = options.newId("req");
  if (generated !== undefined) writePasswordFile(passwordFile, generated);
  const created = await store.transact((tx) => {
    if (accounts.hasUsers(tx)) return false;
    const createdAt = Math.floor(options.nowMs() / 1_000);
    accounts.putUser(tx, { id: userId, name: username, passwordHash, createdAt, disabled: false, tokenGeneration: 0, keptTokenId: "" });
    accounts.setGrant(tx, userId, everyCollection, allRights);
    audit.append(tx, {
      tenant: accounts.tenant,
      actorId: "",
      credentialKind: CredentialKind.SYSTEM,
      credentialId: "",
      action: "auth.bootstrap",
      method: "",
      resource: `users/${userId}`,
      collection: "",
      key: "",
      decision: Decision.ALLOW,
      rule: "first-start",
      outcomeCode: 0,
      reason: "",
      protocol: Protocol.NONE,
      requestId,
      traceId: "",
      notes: [
        { name: "grants_before", value: "none" },
        { name: "grants_after", value: describeGrants(accounts.grantsOf(tx, userId)) },
        { name: "password", value: generated === undefined ? "configured" : "generated" },
      ],
      phase: RecordPhase.UNSPECIFIED,
      actorName: "",
      clientIp: "",
      userAgent: "",
    });
    return true;
  });
  if (!created) {
    if (generated !== undefined) removePasswordFile(passwordFile);
    return { created: false };
  }
  return { created: true, userId, generated: generated === undefined ? undefined : { password: generated, file: passwordFile } };
}

/** Removes the file of the generated password when the password of that admin changed, or the admin is gone. */
export function forgetGeneratedPassword(passwordFile: string, username: string): (changed: string) => void {
  return (changed) => {
    if (changed === username) removePasswordFile(passwordFile);
  };
}
