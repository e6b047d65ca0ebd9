// Makes, narrows, lists and revokes API keys as users do.
import { toJson } from "@bufbuild/protobuf";
import { CreateApiKeyResponseSchema } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { beforeEach, describe, expect, it } from "vitest";
import { apiKeysPerUserMax } from "../limits.js";
import { type AuthFixture, reasonOf, startAuth } from "../testing/auth-fixture.js";

let auth: AuthFixture;
let admin: Awaited<ReturnType<AuthFixture["login"]>>;
let alice: Awaited<ReturnType<AuthFixture["login"]>>;

beforeEach(async () => {
  auth = await startAuth();
  admin = await auth.login("admin", "admin-password");
  await admin.register({ username: "alice", password: "alice-password" });
  await admin.setPermission({ username: "alice", collection: "blog", read: true, write: true });
  alice = await auth.login("alice", "alice-password");
});

/** What a credential may do now, as the gate sees it. */
const grantsOf = async (credential: string) => {
  await auth.as(credential).getMe({});
  return Object.fromEntries(auth.calls.at(-1)!.principal!.grants);
};

describe("an API key", () => {
  it("is made in the shape of the seeds, shown once and stored as a hash", async () => {
    const response = await alice.createApiKey({ description: "CI server", expiresAt: 0 });
    expect(toJson(CreateApiKeyResponseSchema, response, { alwaysEmitImplicit: true })).toEqual({
      key: expect.stringMatching(/^parapet_live_[0-9a-f]{48}$/) as string,
      description: "CI server",
      expiresAt: 0,
      createdAt: auth.clock.nowMs / 1_000,
    });
    const { apiKeys } = await alice.listApiKeys({});
    expect(apiKeys).toMatchObject([{ username: "alice", description: "CI server", prefix: "parapet_live_", last4: response.key.slice(-4), lastUsedAt: 0, scopes: [] }]);
    const stored = [...auth.store.range({ gte: Uint8Array.of(1), lt: Uint8Array.of(255) })].map(({ key, value }) => Buffer.concat([key, value]).toString("latin1")).join();
    const secret = response.key.slice("parapet_live_".length);
    for (const text of [stored, JSON.stringify(auth.changes), JSON.stringify(apiKeys, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value))]) {
      expect(text).not.toContain(secret);
    }
    expect(auth.changes.at(-1)).toMatchObject({ resource: `api-keys/${apiKeys[0]!.id}` });
  });

  it("works in both headers, is told apart from a token, and acts with its user's rights of the moment", async () => {
    const { key } = await alice.createApiKey({});
    expect(await reasonOf(auth.withHeaders({ "x-api-key": key }).getMe({}))).toBe("none");
    expect(await grantsOf(key)).toEqual({ blog: 3 });
    await admin.setPermission({ username: "alice", collection: "docs", read: true });
    expect(await grantsOf(key)).toEqual({ blog: 3, docs: 1 });
    await admin.deletePermission({ username: "alice", collection: "blog" });
    expect(await grantsOf(key)).toEqual({ docs: 1 });
  });

  it("is refused when it is mistyped, unknown, expired or revoked", async () => {
    const { key } = await alice.createApiKey({ expiresAt: auth.clock.nowMs / 1_000 + 60 });
    const digit = key.at(20) === "0" ? "1" : "0";
    for (const wrong of [key.slice(0, 20) + digit + key.slice(21), key.toUpperCase(), key.slice(0, -1), `${key}0`, `parapet_live_${"0".repeat(48)}`, `mddb_live_${"0".repeat(48)}`, "mddb_live_"]) {
      expect(await reasonOf(auth.withHeaders({ "x-api-key": wrong }).getMe({}))).toBe("API_KEY_INVALID");
    }
    expect(await reasonOf(auth.as(key).getMe({}))).toBe("none");
    auth.clock.nowMs += 60_000;
    expect(await reasonOf(auth.as(key).getMe({}))).toBe("API_KEY_INVALID");
    const { key: other } = await alice.createApiKey({});
    expect(await reasonOf(auth.as(other).getMe({}))).toBe("none");
    const { apiKeys } = await alice.listApiKeys({});
    await alice.deleteApiKey({ id: apiKeys[1]!.id });
    expect(await reasonOf(auth.as(other).getMe({}))).toBe("API_KEY_INVALID");
  });

  it("may be made already expired, as a seed does", async () => {
    const { key, expiresAt } = await alice.createApiKey({ description: "Q1 2026 CI key", expiresAt: 1_735_689_600 });
    expect(expiresAt).toBe(1_735_689_600);
    expect(await reasonOf(auth.as(key).getMe({}))).toBe("API_KEY_INVALID");
  });

  it("is one of so many of its user, expired ones included, however many are made at once; who deletes one may make another", async () => {
    await alice.createApiKey({ expiresAt: 1 });
    await Promise.all(Array.from({ length: apiKeysPerUserMax - 4 }, () => alice.createApiKey({})));
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => reasonOf(alice.createApiKey({}))));
    expect(outcomes.sort()).toEqual(["TOO_MANY_API_KEYS", "TOO_MANY_API_KEYS", "TOO_MANY_API_KEYS", "none", "none", "none"]);
    expect(await reasonOf(admin.createApiKey({}))).toBe("none");
    const { apiKeys } = await alice.listApiKeys({ pageSize: 1_000 });
    expect(apiKeys).toHaveLength(apiKeysPerUserMax);
    await alice.deleteApiKey({ id: apiKeys[0]!.id });
    expect([await reasonOf(alice.createApiKey({})), await reasonOf(alice.createApiKey({}))]).toEqual(["none", "TOO_MANY_API_KEYS"]);
  });

  it("is narrowed by its scopes, server admin included", async () => {
    const { key } = await alice.createApiKey({ scopes: [{ collection: "blog", read: true }] });
    expect(await grantsOf(key)).toEqual({ blog: 1 });
    const { key: narrow } = await admin.createApiKey({ scopes: [{ collection: "blog", admin: true }] });
    expect(await auth.as(narrow).getMe({})).toMatchObject({ username: "admin", admin: false });
    expect(await reasonOf(auth.as(narrow).listUsers({}))).toBe("ADMIN_REQUIRED");
    const { key: whole } = await admin.createApiKey({ scopes: [{ collection: "*", admin: true }] });
    expect(await reasonOf(auth.as(whole).listUsers({}))).toBe("none");
  });

  it("cannot be broader than whoever makes it", async () => {
    for (const scope of [{ collection: "blog", admin: true }, { collection: "docs", read: true }, { collection: "*", read: true }]) {
      expect(await reasonOf(alice.createApiKey({ scopes: [scope] }))).toBe("GRANT_EXCEEDED");
    }
    const { key } = await alice.createApiKey({ scopes: [{ collection: "blog", read: true }], expiresAt: auth.clock.nowMs / 1_000 + 60 });
    const expiresAt = auth.clock.nowMs / 1_000 + 60;
    expect(await reasonOf(auth.as(key).createApiKey({ scopes: [{ collection: "blog", write: true }], expiresAt }))).toBe("GRANT_EXCEEDED");
    expect(await reasonOf(auth.as(key).createApiKey({ expiresAt: 0 }))).toBe("GRANT_EXCEEDED");
    expect(await reasonOf(auth.as(key).createApiKey({ expiresAt: expiresAt + 1 }))).toBe("GRANT_EXCEEDED");
    const { key: child } = await auth.as(key).createApiKey({ expiresAt });
    await admin.setPermission({ username: "alice", collection: "docs", read: true });
    expect(await grantsOf(child)).toEqual({ blog: 1 });
  });

  it("is listed and revoked by its user or an admin; to others it looks absent", async () => {
    for (const description of ["first", "second", "third"]) {
      await alice.createApiKey({ description });
      auth.clock.nowMs += 1_000;
    }
    const page = await alice.listApiKeys({ pageSize: 2 });
    expect(page.apiKeys.map(({ description }) => description)).toEqual(["first", "second"]);
    const rest = await alice.listApiKeys({ pageSize: 2, pageToken: page.nextPageToken });
    expect([rest.apiKeys.map(({ description }) => description), rest.nextPageToken]).toEqual([["third"], ""]);
    expect((await admin.listApiKeys({ username: "alice" })).apiKeys).toHaveLength(3);
    expect(await reasonOf(admin.listApiKeys({ username: "alice", pageToken: page.nextPageToken }))).toBe("PAGE_TOKEN_INVALID");

    await admin.register({ username: "eve", password: "eve-password" });
    const eve = await auth.login("eve", "eve-password");
    const { id } = page.apiKeys[0]!;
    expect(await reasonOf(eve.listApiKeys({ username: "alice" }))).toBe("ADMIN_REQUIRED");
    expect(await reasonOf(eve.listApiKeys({ username: "nobody" }))).toBe("ADMIN_REQUIRED");
    expect(await reasonOf(eve.deleteApiKey({ id }))).toBe("API_KEY_NOT_FOUND");
    expect(await reasonOf(eve.deleteApiKey({ id: "key_none" }))).toBe("API_KEY_NOT_FOUND");
    expect(await admin.deleteApiKey({ id })).toMatchObject({ status: "deleted" });
    expect(await reasonOf(alice.deleteApiKey({ id }))).toBe("API_KEY_NOT_FOUND");
    expect((await alice.listApiKeys({})).apiKeys).toHaveLength(2);
  });

  it("shows its last use to the minute, stored at most once a minute", async () => {
    const { key } = await alice.createApiKey({});
    const { id } = (await alice.listApiKeys({})).apiKeys[0]!;
    let commits = 0;
    auth.store.subscribe(() => commits++);
    const useAt = async (time: string) => {
      auth.clock.nowMs = Date.parse(`2026-03-02T${time}Z`);
      await grantsOf(key);
      const { lastUsedAt } = (await alice.listApiKeys({})).apiKeys[0]!;
      return new Date(lastUsedAt * 1_000).toISOString().slice(11, 19);
    };
    const stored = () => auth.identity.apiKeys.apiKey(auth.store, id)!.lastUsedAt;
    expect(await useAt("12:00:30")).toBe("12:00:00");
    expect([commits, stored()]).toEqual([0, 0]);
    expect(await useAt("12:34:56")).toBe("12:34:00");
    expect([commits, stored()]).toEqual([1, Date.parse("2026-03-02T12:34:00Z") / 1_000]);
    for (let second = 0; second < 50; second++) expect(await useAt(`12:35:${String(second).padStart(2, "0")}`)).toBe("12:35:00");
    expect(commits).toBe(1);
    await auth.identity.directory.saveUse();
    expect([commits, stored()]).toEqual([2, Date.parse("2026-03-02T12:35:00Z") / 1_000]);
  });

  it("that was revoked is not brought back by its last use", async () => {
    const { key } = await alice.createApiKey({});
    await grantsOf(key);
    const { id } = (await alice.listApiKeys({})).apiKeys[0]!;
    await alice.deleteApiKey({ id });
    await auth.identity.directory.saveUse();
    expect(await reasonOf(auth.as(key).getMe({}))).toBe("API_KEY_INVALID");
    expect((await alice.listApiKeys({})).apiKeys).toEqual([]);
  });
});
