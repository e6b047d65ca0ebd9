// Calls AuthService as users do: logging in, managing users and grants, and being refused.
import { toJson } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { ListPermissionsResponseSchema, GetMeResponseSchema, RegisterResponseSchema, SetPermissionResponseSchema } from "@parapet/contract/parapet/auth/v1/auth_service_pb";
import { beforeEach, describe, expect, it } from "vitest";
import { CredentialKind } from "../call.js";
import { type AuthFixture, reasonOf, startAuth } from "../testing/auth-fixture.js";

const plain = { alwaysEmitImplicit: true };
let auth: AuthFixture;
let admin: Awaited<ReturnType<AuthFixture["login"]>>;

beforeEach(async () => {
  auth = await startAuth();
  admin = await auth.login("admin", "admin-password");
});

const addUser = async (username: string, rights: { collection: string; read?: boolean; write?: boolean; admin?: boolean }[] = []) => {
  await admin.register({ username, password: `${username}-password` });
  for (const right of rights) await admin.setPermission({ username, ...right });
  return auth.login(username, `${username}-password`);
};
const idOf = (username: string): string => auth.identity.directory.accountByName(username)!.user.id;
const notesOf = (index: number): Record<string, string> => Object.fromEntries(auth.changes.at(index)!.notes.map(({ name, value }) => [name, value]));

describe("login", () => {
  it("gives a token that says who calls and nothing of what they may", async () => {
    const { token, expiresAt } = await auth.as().login({ username: "admin", password: "admin-password" });
    expect(token).toMatch(/^eyJ/);
    expect(expiresAt).toBe(auth.clock.nowMs / 1_000 + 24 * 3_600);
    const claims = JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as Record<string, unknown>;
    expect(Object.keys(claims).sort()).toEqual(["aud", "exp", "gen", "iat", "iss", "jti", "sub"]);
    expect(claims["sub"]).toBe("usr_admin");
    expect(toJson(GetMeResponseSchema, await auth.as(token).getMe({}), plain)).toEqual({ username: "admin", admin: true, createdAt: 1_772_476_700 });
  });

  it("is recorded as the act of the user, with the token's id and never its text", async () => {
    await addUser("alice");
    const call = auth.calls.at(-1)!;
    expect(call.principal?.name).toBe("alice");
    expect(call.credential).toEqual({ kind: CredentialKind.PASSWORD, id: "" });
    expect(call.audit.resource).toBe(`users/${idOf("alice")}`);
    expect(call.audit.notes).toEqual([{ name: "token_id", value: expect.stringMatching(/^tok_/) as string }]);
  });

  it("refuses unknown user, wrong password and disabled user alike, and records who was claimed", async () => {
    await addUser("alice");
    await admin.updateUser({ username: "alice", disabled: true });
    const answers = new Set<string>();
    for (const [username, password] of [["nobody", "x"], ["admin", "x"], ["alice", "alice-password"], ["alice", "x"]] as const) {
      const error = await auth.as().login({ username, password }).then(() => "in", (thrown: unknown) => thrown as ConnectError);
      answers.add(error instanceof ConnectError ? JSON.stringify([error.message, error.code, error.details, [...error.metadata]], (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)) : error);
      expect(auth.calls.at(-1)!.audit.claimedName).toBe(username);
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toContain("invalid credentials");
  });

  it("tells passwords apart to the byte", async () => {
    const long = "p".repeat(72);
    await admin.register({ username: "exact", password: `${long}A\u0000é ` });
    expect(await reasonOf(auth.as().login({ username: "exact", password: `${long}A\u0000é ` }))).toBe("none");
    for (const near of [`${long}`, `${long}B\u0000é `, `${long}a\u0000é `, `${long}A\u0000é`, `${long}A`, `${long}A\u0000e\u0301 `]) {
      expect(await reasonOf(auth.as().login({ username: "exact", password: near }))).toBe("LOGIN_FAILED");
    }
    expect(await reasonOf(auth.as().login({ username: "Exact", password: `${long}A\u0000é ` }))).toBe("LOGIN_FAILED");
  });
});

describe("users", () => {
  it("are registered without logging in, with no right, in the shape of the seeds", async () => {
    const response = await admin.register({ username: "alice", password: "secret123" });
    expect(toJson(RegisterResponseSchema, response, plain)).toEqual({ username: "alice", createdAt: auth.clock.nowMs / 1_000 });
    expect(auth.changes.at(-1)).toMatchObject({ resource: `users/${idOf("alice")}`, principal: { id: "usr_admin" } });
    const alice = await auth.login("alice", "secret123");
    expect(await alice.getMe({})).toMatchObject({ username: "alice", admin: false });
    expect(await reasonOf(alice.listUsers({}))).toBe("ADMIN_REQUIRED");
    expect(await reasonOf(auth.as().listUsers({}))).toBe("CREDENTIAL_MISSING");
    expect(await reasonOf(admin.register({ username: "alice", password: "other" }))).toBe("USER_EXISTS");
  });

  it("are created once however many ask at the same time", async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => reasonOf(admin.register({ username: "twin", password: "twin-password" }))));
    expect(answers.sort()).toEqual(["USER_EXISTS", "USER_EXISTS", "USER_EXISTS", "USER_EXISTS", "none"]);
  });

  it("are listed page by page in the order of their names, for whoever asked", async () => {
    for (const username of ["mia", "ben", "zoe"]) await addUser(username);
    const first = await admin.listUsers({ pageSize: 3 });
    expect(first.users.map(({ username, admin: isAdmin }) => [username, isAdmin])).toEqual([["admin", true], ["ben", false], ["mia", false]]);
    const second = await admin.listUsers({ pageSize: 3, pageToken: first.nextPageToken });
    expect([second.users.map(({ username }) => username), second.nextPageToken]).toEqual([["zoe"], ""]);
    await admin.setPermission({ username: "ben", collection: "*", admin: true });
    const ben = await auth.login("ben", "ben-password");
    expect(await reasonOf(ben.listUsers({ pageSize: 3, pageToken: first.nextPageToken }))).toBe("PAGE_TOKEN_INVALID");
  });

  it("lose tokens and keys with the next call when they are disabled, tokens for good", async () => {
    const alice = await addUser("alice");
    const { key } = await alice.createApiKey({});
    expect(await reasonOf(auth.as(key).getMe({}))).toBe("none");
    const { user } = await admin.updateUser({ username: "alice", disabled: true });
    expect(user).toMatchObject({ username: "alice", disabled: true });
    expect(notesOf(-1)).toEqual({ disabled_before: "false", disabled_after: "true" });
    expect(await reasonOf(alice.getMe({}))).toBe("TOKEN_INVALID");
    expect(await reasonOf(auth.as(key).getMe({}))).toBe("API_KEY_INVALID");
    await admin.updateUser({ username: "alice", disabled: false });
    expect(await reasonOf(alice.getMe({}))).toBe("TOKEN_INVALID");
    expect(await reasonOf(auth.as(key).getMe({}))).toBe("none");
    expect(await reasonOf(auth.login("alice", "alice-password"))).toBe("none");
  });

  it("are deleted with grants and keys, and a later one of the same name inherits nothing", async () => {
    const alice = await addUser("alice", [{ collection: "blog", write: true }]);
    const { key } = await alice.createApiKey({});
    expect(await admin.deleteUser({ username: "alice" })).toMatchObject({ status: "deleted" });
    expect(notesOf(-1)).toEqual({ grants_before: "blog:write", api_keys_removed: "1" });
    expect(await reasonOf(alice.getMe({}))).toBe("TOKEN_INVALID");
    expect(await reasonOf(auth.as(key).getMe({}))).toBe("API_KEY_INVALID");
    expect(await reasonOf(admin.listPermissions({ username: "alice" }))).toBe("USER_NOT_FOUND");
    await addUser("alice");
    expect(await admin.listPermissions({ username: "alice" })).toMatchObject({ permissions: [] });
    expect(await admin.listApiKeys({ username: "alice" })).toMatchObject({ apiKeys: [] });
    expect(await reasonOf(auth.as(key).getMe({}))).toBe("API_KEY_INVALID");
  });

  it("change their password by knowing it, and keep only the token they did it with", async () => {
    const alice = await addUser("alice");
    const elsewhere = await auth.login("alice", "alice-password");
    expect(await reasonOf(alice.changePassword({ currentPassword: "wrong", newPassword: "new-password-1" }))).toBe("LOGIN_FAILED");
    expect(await alice.changePassword({ currentPassword: "alice-password", newPassword: "new-password-1" })).toMatchObject({ status: "changed" });
    expect(await reasonOf(alice.getMe({}))).toBe("none");
    expect(await reasonOf(elsewhere.getMe({}))).toBe("TOKEN_INVALID");
    expect(await reasonOf(auth.login("alice", "alice-password"))).toBe("LOGIN_FAILED");
    expect(await reasonOf(auth.login("alice", "new-password-1"))).toBe("none");
    await admin.updateUser({ username: "alice", password: "new-password-2" });
    expect(await reasonOf(alice.getMe({}))).toBe("TOKEN_INVALID");
    expect(await reasonOf(auth.login("alice", "new-password-2"))).toBe("none");
    expect(auth.passwordChanges).toEqual(["alice", "alice"]);
    expect(JSON.stringify(auth.changes)).not.toMatch(/new-password|alice-password/);
  });

  it("change a password once when two calls know it", async () => {
    const alice = await addUser("alice");
    const answers = await Promise.all(["new-password-1", "new-password-2"].map((newPassword) => reasonOf(alice.changePassword({ currentPassword: "alice-password", newPassword }))));
    expect(answers.sort()).toEqual(["LOGIN_FAILED", "none"]);
  });
});

describe("the last server admin", () => {
  it("cannot lose admin, be disabled or deleted", async () => {
    await addUser("alice", [{ collection: "*", read: true, write: true }, { collection: "blog", admin: true }]);
    const attempts = [
      admin.setPermission({ username: "admin", collection: "*", read: true, write: true }),
      admin.deletePermission({ username: "admin", collection: "*" }),
      admin.updateUser({ username: "admin", disabled: true }),
      admin.deleteUser({ username: "admin" }),
    ];
    for (const attempt of attempts) expect(await reasonOf(attempt)).toBe("LAST_ADMIN");
    expect(await reasonOf(admin.listUsers({}))).toBe("none");
  });

  it("is not one who may not call", async () => {
    await addUser("alice", [{ collection: "*", admin: true }]);
    await admin.updateUser({ username: "alice", disabled: true });
    expect(await reasonOf(admin.deleteUser({ username: "admin" }))).toBe("LAST_ADMIN");
    await admin.updateUser({ username: "alice", disabled: false });
    expect(await reasonOf(admin.deleteUser({ username: "admin" }))).toBe("none");
  });

  it("remains when two admins remove each other at once", async () => {
    const alice = await addUser("alice", [{ collection: "*", admin: true }]);
    // Both tokens are known already, so both calls pass the gate before either commits.
    await Promise.all([admin.getMe({}), alice.getMe({})]);
    const answers = await Promise.all([reasonOf(admin.deleteUser({ username: "alice" })), reasonOf(alice.deleteUser({ username: "admin" }))]);
    expect(answers).toEqual(["none", "LAST_ADMIN"]);
  });

  it("hands over as the seeds do", async () => {
    const next = await addUser("newadmin", [{ collection: "*", read: true, write: true, admin: true }]);
    await admin.deleteUser({ username: "admin" });
    expect(await reasonOf(admin.getMe({}))).toBe("TOKEN_INVALID");
    expect(await next.getMe({})).toMatchObject({ admin: true });
  });
});

describe("grants", () => {
  it("are set exactly, listed in order and removed, in the shape of the seeds", async () => {
    await addUser("alice");
    const set = await admin.setPermission({ username: "alice", collection: "blog", read: true });
    const blog = { username: "alice", collection: "blog", read: true, write: false, admin: false };
    expect(toJson(SetPermissionResponseSchema, set, plain)).toEqual({ permission: blog });
    await admin.setPermission({ username: "alice", collection: "archive", read: true, write: true });
    await admin.setPermission({ username: "alice", collection: "archive", write: true });
    expect(notesOf(-1)).toEqual({ rights_before: "read,write", rights_after: "write" });
    expect(auth.changes.at(-1)!.resource).toBe(`users/${idOf("alice")}/permissions/archive`);
    const list = await admin.listPermissions({ username: "alice" });
    expect(toJson(ListPermissionsResponseSchema, list, plain)).toEqual({ permissions: [{ ...blog, collection: "archive", read: false, write: true }, blog] });
    expect(await admin.deletePermission({ username: "alice", collection: "archive" })).toMatchObject({ status: "deleted" });
    expect(await reasonOf(admin.deletePermission({ username: "alice", collection: "archive" }))).toBe("PERMISSION_NOT_FOUND");
    await admin.setPermission({ username: "alice", collection: "blog" });
    expect((await admin.listPermissions({ username: "alice" })).permissions).toEqual([]);
  });

  it("count with the next call, given and taken", async () => {
    const alice = await addUser("alice");
    for (let round = 0; round < 3; round++) {
      expect(await reasonOf(alice.listUsers({}))).toBe("ADMIN_REQUIRED");
      await admin.setPermission({ username: "alice", collection: "*", admin: true });
      expect(await reasonOf(alice.listUsers({}))).toBe("none");
      await admin.setPermission({ username: "alice", collection: "*", read: true });
    }
  });

  it("of unknown users and collections with broken names are refused", async () => {
    expect(await reasonOf(admin.setPermission({ username: "nobody", collection: "blog", read: true }))).toBe("USER_NOT_FOUND");
    expect(await reasonOf(admin.deletePermission({ username: "nobody", collection: "blog" }))).toBe("USER_NOT_FOUND");
  });

  it("on one collection make nobody an admin of the server, whatever its name", async () => {
    const alice = await addUser("alice", [{ collection: "blog", admin: true }, { collection: "**", admin: true }, { collection: "admin", admin: true }]);
    expect(await alice.getMe({})).toMatchObject({ admin: false });
    expect(await reasonOf(alice.setPermission({ username: "alice", collection: "*", admin: true }))).toBe("ADMIN_REQUIRED");
  });
});
