/** Everything that knows users and their credentials, put together once. */
import type { Store } from "../store/store.js";
import { type Accounts, createAccounts } from "./accounts.js";
import { type ApiKeys, createApiKeys } from "./api-key-rows.js";
import { createAuthenticator } from "./authenticator.js";
import { createDirectory, type Directory } from "./directory.js";
import type { IdentitySource } from "./identity-source.js";
import { createIds, type NewId } from "./ids.js";
import { createPasswords, type Passwords } from "./passwords.js";
import { createTokens, type Tokens } from "./tokens.js";

/** What identity needs. */
export interface IdentityOptions {
  readonly store: Store;
  readonly tenant: string;
  /** Wall clock, in Unix milliseconds. */
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Signs tokens: at least 32 bytes. */
  readonly tokenSecret: Uint8Array;
  /** `iss` of tokens. Default: `parapet`. */
  readonly tokenIssuer?: string;
  /** `aud` of tokens. Default: `parapet`. */
  readonly tokenAudience?: string;
  /** Default: `limits.tokenLifetimeMs`. */
  readonly tokenLifetimeMs?: number;
  readonly passwordPolicy: "warn" | "strict";
  /** Told that a common password was accepted, never which. */
  readonly onCommonPassword?: () => void;
}

/** The users of one tenant and all that proves them. */
export interface Identity {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly apiKeys: ApiKeys;
  readonly directory: Directory;
  readonly tokens: Tokens;
  readonly passwords: Passwords;
  readonly newId: NewId;
  readonly nowMs: () => number;
  readonly randomBytes: (size: number) => Uint8Array;
  /** What the gate asks. */
  readonly source: IdentitySource;
}

/** Puts identity together. Throws a RangeError for a token secret that is too short. */
export function createIdentity(options: IdentityOptions): Identity {
  const { store, tenant, nowMs, randomBytes, tokenSecret, tokenIssuer = "parapet", tokenAudience = "parapet", tokenLifetimeMs, passwordPolicy, onCommonPassword } = options;
  const newId = createIds({ nowMs, randomBytes });
  const accounts = createAccounts(tenant);
  const apiKeys = createApiKeys(tenant);
  const directory = createDirectory({ store, accounts, apiKeys, nowMs });
  const tokens = createTokens({ secret: tokenSecret, issuer: tokenIssuer, audience: tokenAudience, lifetimeMs: tokenLifetimeMs, nowMs, newId });
  const passwords = createPasswords({ randomBytes, policy: passwordPolicy, onCommon: onCommonPassword });
  const source = createAuthenticator({ directory, tokens, nowMs });
  return { store, accounts, apiKeys, directory, tokens, passwords, newId, nowMs, randomBytes, source };
}
