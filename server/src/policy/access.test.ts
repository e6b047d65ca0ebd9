// Checks every decision on who may call what, as a table.
import { describe, expect, it } from "vitest";
import type { Principal } from "../call.js";
import { Reason } from "../errors.js";
import type { AccessPlan } from "../gate/plan.js";
import { decideMethod, decideObject } from "./access.js";
import { isServerAdmin } from "./grants.js";
import { ADMIN, READ, WRITE } from "./rights.js";

const principal = (grants: Record<string, number>): Principal => {
  const held = new Map(Object.entries(grants));
  return { id: "usr_1", name: "alice", tenant: "t", admin: isServerAdmin(held), grants: held };
};
const onServer = (bit: number): AccessPlan => ({ kind: "permission", bit, collectionOf: undefined });
const onCollection = (bit: number): AccessPlan => ({ kind: "permission", bit, collectionOf: () => undefined });
const open: AccessPlan = { kind: "public", ignoreBadCredential: false };
const known: AccessPlan = { kind: "authenticated" };

const nobody = undefined;
const stranger = principal({});
const reader = principal({ blog: READ });
const editor = principal({ blog: READ | WRITE, "*": READ });
const owner = principal({ blog: ADMIN });
const admin = principal({ "*": ADMIN });

const yes = (rule: string) => ({ allow: true, rule });
const no = (reason: Reason, rule = "no-grant") => ({ allow: false, reason, rule });
const forbidden = no(Reason.PERMISSION_MISSING);
const needsAdmin = no(Reason.ADMIN_REQUIRED);
const anonymous = no(Reason.CREDENTIAL_MISSING, "no-credential");

describe("the decision on a method", () => {
  it.each([
    ["public", open, nobody, yes("public")],
    ["public", open, stranger, yes("public")],
    ["authenticated", known, nobody, anonymous],
    ["authenticated", known, stranger, yes("authenticated")],
    ["admin of the server", onServer(ADMIN), nobody, anonymous],
    ["admin of the server", onServer(ADMIN), stranger, needsAdmin],
    ["admin of the server", onServer(ADMIN), owner, needsAdmin],
    ["admin of the server", onServer(ADMIN), editor, needsAdmin],
    ["admin of the server", onServer(ADMIN), admin, yes("server-admin")],
    ["reader of the server", onServer(READ), reader, forbidden],
    ["reader of the server", onServer(READ), editor, yes("grant:*:read")],
    ["writer of a collection", onCollection(WRITE), nobody, anonymous],
    ["writer of a collection", onCollection(WRITE), stranger, forbidden],
    ["writer of a collection", onCollection(WRITE), reader, forbidden],
    ["writer of a collection", onCollection(WRITE), editor, yes("grant:any:write")],
    ["writer of a collection", onCollection(WRITE), owner, yes("grant:any:write")],
    ["admin of a collection", onCollection(ADMIN), editor, forbidden],
    ["writer of a collection", onCollection(WRITE), admin, yes("server-admin")],
  ] as const)("%s", (_, access, caller, decision) => {
    expect(decideMethod(access, caller)).toEqual(decision);
  });
});

describe("the decision on an object", () => {
  it.each([
    ["nobody writes blog", onCollection(WRITE), nobody, "blog", anonymous],
    ["a reader reads blog", onCollection(READ), reader, "blog", yes("grant:blog:read")],
    ["a reader writes blog", onCollection(WRITE), reader, "blog", forbidden],
    ["a reader reads docs", onCollection(READ), reader, "docs", forbidden],
    ["an editor writes blog", onCollection(WRITE), editor, "blog", yes("grant:blog:write")],
    ["an editor reads docs", onCollection(READ), editor, "docs", yes("grant:*:read")],
    ["an editor writes docs", onCollection(WRITE), editor, "docs", forbidden],
    ["an owner writes blog", onCollection(WRITE), owner, "blog", yes("grant:blog:write")],
    ["an owner administers blog", onCollection(ADMIN), owner, "blog", yes("grant:blog:admin")],
    ["an owner administers docs", onCollection(ADMIN), owner, "docs", forbidden],
    ["a reader reads the server", onCollection(READ), reader, "", forbidden],
    ["an editor reads the server", onCollection(READ), editor, "", yes("grant:*:read")],
    ["an owner administers the server", onCollection(ADMIN), owner, "", needsAdmin],
    ["an owner reads what is named *", onCollection(READ), owner, "*", forbidden],
    ["an admin writes anything", onCollection(WRITE), admin, "blog", yes("server-admin")],
    ["an admin administers the server", onCollection(ADMIN), admin, "", yes("server-admin")],
    ["somebody calls an authenticated method", known, stranger, "blog", yes("authenticated")],
    ["anybody calls a public method", open, nobody, "blog", yes("public")],
  ] as const)("%s", (_, access, caller, collection, decision) => {
    expect(decideObject(access, caller, collection)).toEqual(decision);
  });
});
