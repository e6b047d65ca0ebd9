/** Proves tokens and API keys against the users of the store. */
import { hash, timingSafeEqual } from "node:crypto";
import { CredentialKind, type Principal } from "../call.js";
import { fail, Failure, Reason } from "../errors.js";
import { verdictCacheEntries } from "../limits.js";
import { intersect, isServerAdmin } from "../policy/grants.js";
import type { ApiKeyRecord } from "./api-key-rows.js";
import { hashOfApiKey, idOfApiKey, isApiKey, looksLikeApiKey } from "./api-keys.js";
import { createBoundedMap } from "./bounded-map.js";
import type { Account, Directory } from "./directory.js";
import type { Authenticated, IdentitySource, SentCredential } from "./identity-source.js";
import type { TokenFacts, Tokens } from "./tokens.js";

/** What proving needs. */
export interface AuthenticatorOptions {
  readonly directory: Directory;
  readonly tokens: Tokens;
  /** Wall clock, in Unix milliseconds. */
  readonly nowMs: () => number;
  /** Tokens remembered as verified. Default: `limits.verdictCacheEntries`. */
  readonly verdictsMax?: number;
}

/** A token whose signature was verified, with what was last made of it. */
interface Verdict {
  readonly facts: TokenFacts;
  account: Account;
  authenticated: Authenticated;
}

/** A principal made for one state of a key and its user. */
interface Narrowed {
  readonly account: Account;
  readonly authenticated: Authenticated;
}

/**
 * The built-in identity source. A token is verified once and then known by the SHA-256 of its text; its expiry and the state
 * of its user are checked on every call, remembered or not. API keys need no memory of their own: a checksum, a hash and a
 * look-up. A bearer that begins as an API key does is one.
 */
export function createAuthenticator({ directory, tokens, nowMs, verdictsMax = verdictCacheEntries }: AuthenticatorOptions): IdentitySource {
  const verdicts = createBoundedMap<string, Verdict>(verdictsMax);
  const narrowed = new WeakMap<ApiKeyRecord, Narrowed>();
  /** Keys of verdicts, by what came over a connection again and again. */
  const keys = new WeakMap<SentCredential, string>();

  /** The account that a token speaks for, if it may still call. */
  function holderOf(facts: TokenFacts): Account | undefined {
    const account = directory.account(facts.userId);
    if (account === undefined || account.user.disabled) return undefined;
    const { tokenGeneration, keptTokenId } = account.user;
    // A generation that is yet to come was not ours to issue; the kept token is of the one before.
    const isCurrent = facts.generation === tokenGeneration;
    const isKept = facts.tokenId === keptTokenId && facts.generation < tokenGeneration;
    return isCurrent || isKept ? account : undefined;
  }

  function recall(key: string, verdict: Verdict): Authenticated | Failure {
    if (nowMs() >= verdict.facts.refusedFromMs) {
      verdicts.delete(key);
      return fail(Reason.TOKEN_EXPIRED);
    }
    const account = holderOf(verdict.facts);
    if (account === undefined) return fail(Reason.TOKEN_INVALID);
    if (account !== verdict.account) {
      verdict.account = account;
      verdict.authenticated = byToken(account, verdict.facts);
    }
    return verdict.authenticated;
  }

  async function verifyToken(key: string, text: string): Promise<Authenticated | Failure> {
    const facts = await tokens.verify(text);
    if (facts instanceof Failure) return facts;
    const account = holderOf(facts);
    if (account === undefined) return fail(Reason.TOKEN_INVALID);
    return verdicts.set(key, { facts, account, authenticated: byToken(account, facts) }).authenticated;
  }

  function proveToken(sent: SentCredential): Authenticated | Failure | Promise<Authenticated | Failure> {
    let key = keys.get(sent);
    if (key === undefined) keys.set(sent, (key = hash("sha256", sent.text, "base64url") as string));
    const verdict = verdicts.get(key);
    return verdict === undefined ? verifyToken(key, sent.text) : recall(key, verdict);
  }

  function proveKey(text: string): Authenticated | Failure {
    if (!isApiKey(text)) return fail(Reason.API_KEY_INVALID);
    const sha256 = hashOfApiKey(text);
    const record = directory.apiKey(idOfApiKey(sha256));
    if (record === undefined || !isEqual(record.sha256, sha256)) return fail(Reason.API_KEY_INVALID);
    if (record.expiresAt !== 0 && nowMs() >= record.expiresAt * 1_000) return fail(Reason.API_KEY_INVALID);
    const account = directory.account(record.userId);
    if (account === undefined || account.user.disabled) return fail(Reason.API_KEY_INVALID);
    directory.noteUse(record.id);
    const known = narrowed.get(record);
    if (known?.account === account) return known.authenticated;
    const authenticated: Authenticated = {
      principal: narrow(account.principal, record),
      credential: { kind: CredentialKind.API_KEY, id: record.id },
    };
    narrowed.set(record, { account, authenticated });
    return authenticated;
  }

  return {
    authenticate(sent) {
      return sent.kind === "api-key" || looksLikeApiKey(sent.text) ? proveKey(sent.text) : proveToken(sent);
    },
  };
}

function byToken({ principal }: Account, { tokenId }: TokenFacts): Authenticated {
  return { principal, credential: { kind: CredentialKind.TOKEN, id: tokenId } };
}

/** What a key may do: what both its user and its scope allow. */
function narrow(principal: Principal, { scope }: ApiKeyRecord): Principal {
  if (scope === undefined) return principal;
  const grants = intersect(principal.grants, scope);
  return { ...principal, grants, admin: isServerAdmin(grants) };
}

function isEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
