// Checks that a remembered verdict answers at once and never outlives what it rests on.
import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { CredentialKind } from "../call.js";
import { Failure, Reason } from "../errors.js";
import { createMemoryStore } from "../store/memory.js";
import type { Store } from "../store/store.js";
import { countedBytes } from "../testing/auth-fixture.js";
import { importedApiKey } from "./api-key-rows.js";
import { createAuthenticator } from "./authenticator.js";
import { createIdentity, type Identity } from "./identity.js";
import type { Authenticated } from "./identity-source.js";
import type { UserRecord } from "./accounts.js";

const from = { clientIp: "203.0.113.7" };
const clock = { nowMs: 0 };
const user: UserRecord = { id: "usr_1", name: "alice", passwordHash: "", createdAt: 0, disabled: false, tokenGeneration: 0, keptTokenId: "" };
let store: Store;
let identity: Identity;

beforeEach(async () => {
  clock.nowMs = Date.parse("2026-03-02T12:00:00Z");
  store = createMemoryStore();
  identity = createIdentity({ store, tenant: "t", nowMs: () => clock.nowMs, randomBytes: countedBytes(), tokenSecret: Buffer.alloc(32, 1), passwordPolicy: "warn" });
  await store.transact((tx) => identity.accounts.putUser(tx, user));
});

const bearer = (text: string) => identity.source.authenticate({ kind: "bearer", text }, from);
const nameOf = (outcome: Authenticated | Failure | Promise<unknown>) => (outcome instanceof Failure ? Reason[outcome.reason] : "principal" in outcome ? outcome.principal.name : "a promise");

describe("a token that was seen before", () => {
  it("is answered at once, with the same facts", async () => {
    const { token, tokenId } = await identity.tokens.issue("usr_1", 0);
    const first = bearer(token);
    expect(first).toBeInstanceOf(Promise);
    const again = bearer(token);
    expect(await first).toEqual(await again);
    const known = bearer(token);
    expect(known).toMatchObject({ principal: { id: "usr_1", name: "alice", tenant: "t", admin: false }, credential: { kind: CredentialKind.TOKEN, id: tokenId } });
    expect(bearer(token)).toBe(known);
  });

  it("is refused from the moment it expires", async () => {
    const { token, expiresAt } = await identity.tokens.issue("usr_1", 0);
    await bearer(token);
    clock.nowMs = (expiresAt + 5) * 1_000 - 1;
    expect(nameOf(bearer(token))).toBe("alice");
    clock.nowMs += 1;
    expect(nameOf(bearer(token))).toBe("TOKEN_EXPIRED");
    expect(nameOf(await bearer(token))).toBe("TOKEN_EXPIRED");
  });

  it.each<[string, (current: UserRecord) => UserRecord | undefined]>([
    ["is disabled", (current) => ({ ...current, disabled: true })],
    ["has a new generation", (current) => ({ ...current, tokenGeneration: 1 })],
    ["is gone", () => undefined],
  ])("is refused in the very turn in which the commit that its user %s resolves", async (_, change) => {
    const { token } = await identity.tokens.issue("usr_1", 0);
    await bearer(token);
    const changed = change(user);
    const committed = store.transact((tx) => (changed === undefined ? identity.accounts.removeUser(tx, user) : identity.accounts.putUser(tx, changed)));
    expect(nameOf(bearer(token))).toBe("alice");
    await committed;
    expect(nameOf(bearer(token))).toBe("TOKEN_INVALID");
    expect(nameOf(await bearer(`${token}`))).toBe("TOKEN_INVALID");
  });

  it("sees a grant in the very turn in which its commit resolves", async () => {
    const { token } = await identity.tokens.issue("usr_1", 0);
    await bearer(token);
    await store.transact((tx) => identity.accounts.setGrant(tx, "usr_1", "*", 4));
    expect(bearer(token)).toMatchObject({ principal: { admin: true } });
  });

  it("of a generation to come is refused", async () => {
    const { token } = await identity.tokens.issue("usr_1", 1);
    expect(nameOf(await bearer(token))).toBe("TOKEN_INVALID");
  });
});

describe("the memory of verdicts", () => {
  it("is bounded, and a forgotten token is verified anew", async () => {
    const source = createAuthenticator({ directory: identity.directory, tokens: identity.tokens, nowMs: () => clock.nowMs, verdictsMax: 2 });
    const issued = [];
    for (let i = 0; i < 3; i++) {
      const { token } = await identity.tokens.issue("usr_1", 0);
      issued.push(token);
      await source.authenticate({ kind: "bearer", text: token }, from);
    }
    const [first, , third] = issued;
    expect(source.authenticate({ kind: "bearer", text: third! }, from)).not.toBeInstanceOf(Promise);
    expect(nameOf(await source.authenticate({ kind: "bearer", text: first! }, from))).toBe("alice");
  });
});

describe("an imported API key", () => {
  const text = `mddb_live_${"b9a2604ba923ea920451d139a5f366eb384434600aff7e1d"}`;
  const sha256 = createHash("sha256").update(text).digest("hex");

  it("works without a checksum, by its hash alone", async () => {
    const record = importedApiKey({ sha256: sha256.toUpperCase(), userId: "usr_1", description: "CI server", createdAt: 1_772_476_811, expiresAt: 0 });
    expect(nameOf(await bearer(text))).toBe("API_KEY_INVALID");
    await store.transact((tx) => identity.apiKeys.putApiKey(tx, record));
    expect(bearer(text)).toMatchObject({ principal: { name: "alice" }, credential: { kind: CredentialKind.API_KEY, id: record.id } });
    await store.transact((tx) => identity.apiKeys.removeApiKey(tx, record));
    expect(nameOf(await bearer(text))).toBe("API_KEY_INVALID");
  });

  it("needs a hash", () => {
    expect(() => importedApiKey({ sha256: text, userId: "usr_1", description: "", createdAt: 0, expiresAt: 0 })).toThrow(RangeError);
  });
});
