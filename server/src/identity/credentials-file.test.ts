/** Tests the credentials file through the port that the gate uses. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { CredentialKind } from "../call.js";
import { Failure } from "../errors.js";
import { ADMIN, READ, WRITE } from "../policy/rights.js";
import { CredentialsFileError, openCredentialsFile } from "./credentials-file.js";
import type { SentCredential } from "./identity-source.js";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const now = Date.parse("2026-11-22T00:00:00Z");

let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), "parapet-credentials-")), "credentials.json");
});

const write = (credentials: unknown): void => writeFileSync(path, JSON.stringify({ credentials }));
const ann = { id: "ann", sha256: sha256("secret-of-ann"), grants: { handbook: ["read", "write"] } };
const open = () => openCredentialsFile({ path, nowMs: () => now });
async function ask(source: ReturnType<typeof open>, text: string, kind: SentCredential["kind"] = "bearer") {
  const answer = await source.authenticate({ kind, text }, { clientIp: "127.0.0.1" });
  return answer instanceof Failure ? answer.facts.name : answer;
}

describe("a credentials file", () => {
  it("proves a principal with its grants, in either header", async () => {
    write([ann, { id: "root", sha256: sha256("secret-of-root"), grants: { "*": ["admin"] } }]);
    const source = open();
    expect(await ask(source, "secret-of-ann")).toMatchObject({ principal: { id: "ann", admin: false, grants: new Map([["handbook", READ | WRITE]]) }, credential: { kind: CredentialKind.TOKEN } });
    expect(await ask(source, "secret-of-ann", "api-key")).toMatchObject({ principal: { id: "ann" }, credential: { kind: CredentialKind.API_KEY } });
    expect(await ask(source, "secret-of-root")).toMatchObject({ principal: { admin: true, grants: new Map([["*", ADMIN]]) } });
  });

  it("refuses what is not in it, a hash in place of its token included", async () => {
    write([ann]);
    const source = open();
    expect(await ask(source, "wrong")).toBe("TOKEN_INVALID");
    expect(await ask(source, ann.sha256)).toBe("TOKEN_INVALID");
    expect(await ask(source, "wrong", "api-key")).toBe("API_KEY_INVALID");
  });

  it("refuses from the moment a credential expires", async () => {
    write([{ ...ann, expiresAt: "2026-11-22T00:00:00Z" }]);
    expect(await ask(open(), "secret-of-ann")).toBe("TOKEN_EXPIRED");
    write([{ ...ann, expiresAt: "2026-11-22T00:00:01Z" }]);
    expect(await ask(open(), "secret-of-ann")).toMatchObject({ principal: { id: "ann" } });
  });

  it("counts a change on the very next call", async () => {
    write([ann]);
    const source = open();
    expect(await ask(source, "secret-of-ann")).toMatchObject({ principal: { id: "ann" } });
    write([]);
    expect(await ask(source, "secret-of-ann")).toBe("TOKEN_INVALID");
  });

  it("refuses everybody while it cannot be read", async () => {
    write([ann]);
    const source = open();
    rmSync(path);
    expect(await ask(source, "secret-of-ann")).toBe("STORE_UNAVAILABLE");
    writeFileSync(path, "{");
    expect(await ask(source, "secret-of-ann")).toBe("STORE_UNAVAILABLE");
    write([ann]);
    expect(await ask(source, "secret-of-ann")).toMatchObject({ principal: { id: "ann" } });
  });

  it.each([
    [[{ ...ann, sha256: "secret-of-ann" }], "credentials[0].sha256"],
    [[{ ...ann, id: "" }], "credentials[0].id"],
    [[{ ...ann, grants: { handbook: ["own"] } }], 'credentials[0].grants["handbook"]'],
    [[{ ...ann, expiresAt: "soon" }], "credentials[0].expiresAt"],
    [[ann, ann], "credentials[1].sha256"],
    ["none", 'a list "credentials"'],
  ])("says at the start what is wrong with %j, without the secret", (credentials, message) => {
    write(credentials);
    expect(open).toThrow(CredentialsFileError);
    expect(open).toThrow(message);
    expect(open).not.toThrow("secret-of-ann");
  });
});
