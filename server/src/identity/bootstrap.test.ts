// Starts stores for the first and the second time, and breaks the first.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CredentialKind, Protocol } from "../call.js";
import type { AuditFacts, TransactionalAuditSink } from "../audit/sink.js";
import { fail, Reason } from "../errors.js";
import { createMemoryStore } from "../store/memory.js";
import type { Store } from "../store/store.js";
import { countedBytes } from "../testing/auth-fixture.js";
import { bootstrap, forgetGeneratedPassword } from "./bootstrap.js";
import { createIdentity } from "./identity.js";

let folder: string;
let passwordFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bootstrap-"));
  passwordFile = join(folder, "keys", "admin-password");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A sink that keeps what it is given, or refuses it. */
function sink(broken = false): TransactionalAuditSink & { readonly appended: AuditFacts[] } {
  const appended: AuditFacts[] = [];
  return {
    appended,
    write: () => Promise.reject(new Error("not used")),
    append(_tx, facts) {
      if (broken) throw fail(Reason.AUDIT_UNAVAILABLE);
      appended.push(facts);
    },
  };
}

function start(store: Store, audit: TransactionalAuditSink, password: string | undefined, passwordPolicy: "warn" | "strict" = "warn") {
  const identity = createIdentity({ store, tenant: "t", nowMs: () => 1_772_476_700_123, randomBytes: countedBytes(), tokenSecret: Buffer.alloc(32, 1), passwordPolicy });
  return { identity, done: bootstrap({ ...identity, audit, username: "admin", password, passwordFile }) };
}

describe("the first start of a store", () => {
  it("makes the admin with the configured password, recorded as the act of the system", async () => {
    const audit = sink();
    const { identity, done } = start(createMemoryStore(), audit, "changeme");
    const made = await done;
    const account = identity.directory.accountByName("admin")!;
    expect(made).toEqual({ created: true, userId: account.user.id, generated: undefined });
    expect(account).toMatchObject({ user: { createdAt: 1_772_476_700, disabled: false }, principal: { admin: true } });
    expect(await identity.passwords.verify(account.user.passwordHash, "changeme")).toBe(true);
    expect(audit.appended).toMatchObject([
      { tenant: "t", actorId: "", action: "auth.bootstrap", credentialKind: CredentialKind.SYSTEM, resource: `users/${account.user.id}`, protocol: Protocol.NONE, outcomeCode: 0 },
    ]);
    expect(JSON.stringify(audit.appended)).not.toContain("changeme");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("generates a password into a file of its owner alone where none is configured", async () => {
    const { identity, done } = start(createMemoryStore(), sink(), undefined);
    const made = await done;
    if (!made.created || made.generated === undefined) throw new Error("nothing was generated");
    const { password, file } = made.generated;
    expect(file).toBe(passwordFile);
    expect(password).toMatch(/^[\w-]{24}$/);
    expect(readFileSync(file, "utf8")).toBe(`${password}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "keys")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(folder, "keys"))).toEqual(["admin-password"]);
    expect(await identity.passwords.verify(identity.directory.accountByName("admin")!.user.passwordHash, password)).toBe(true);

    const forget = forgetGeneratedPassword(passwordFile, "admin");
    forget("alice");
    expect(readdirSync(join(folder, "keys"))).toEqual(["admin-password"]);
    forget("admin");
    forget("admin");
    expect(readdirSync(join(folder, "keys"))).toEqual([]);
  });

  it("refuses a common password in strict mode before it does anything", async () => {
    const store = createMemoryStore();
    const { identity, done } = start(store, sink(), "changeme", "strict");
    await expect(done).rejects.toMatchObject({ reason: Reason.FIELD_INVALID });
    expect(identity.accounts.hasUsers(store)).toBe(false);
  });

  it("makes no admin without its record, and succeeds at the next start", async () => {
    const store = createMemoryStore();
    const broken = start(store, sink(true), undefined);
    await expect(broken.done).rejects.toMatchObject({ reason: Reason.AUDIT_UNAVAILABLE });
    expect(broken.identity.accounts.hasUsers(store)).toBe(false);
    const { identity, done } = start(store, sink(), undefined);
    const made = await done;
    if (!made.created || made.generated === undefined) throw new Error("nothing was generated");
    expect(readFileSync(passwordFile, "utf8")).toBe(`${made.generated.password}\n`);
    expect(await identity.passwords.verify(identity.directory.accountByName("admin")!.user.passwordHash, made.generated.password)).toBe(true);
  });
});

describe("a later start", () => {
  it("changes nothing, whatever is configured", async () => {
    const store = createMemoryStore();
    await start(store, sink(), "first-password").done;
    const before = [...store.range({ gte: Uint8Array.of(1), lt: Uint8Array.of(255) })];
    const audit = sink();
    expect(await start(store, audit, "second-password").done).toEqual({ created: false });
    expect(await start(store, audit, undefined).done).toEqual({ created: false });
    expect([...store.range({ gte: Uint8Array.of(1), lt: Uint8Array.of(255) })]).toEqual(before);
    expect(audit.appended).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });
});
