// Hashes and verifies real passwords, and checks what nobody's password costs and says.
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Reason } from "../errors.js";
import { passwordsAtOnce, passwordsWaitingMax } from "../limits.js";
import { createPasswords } from "./passwords.js";

const passwords = createPasswords({ randomBytes, policy: "warn" });

describe("a password", () => {
  it("is stored as argon2id with at least 19 MiB, two passes and one lane, salted", async () => {
    const [one, two] = await Promise.all([passwords.hash("same"), passwords.hash("same")]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(two);
  });

  it("opens its hash, and no other text does", async () => {
    const long = "x".repeat(1_024);
    for (const password of ["p", "é\u0000 ", long]) {
      const hash = await passwords.hash(password);
      expect(await passwords.verify(hash, password)).toBe(true);
      for (const near of [`${password} `, `${password}\u0000`, password.slice(0, -1), password.normalize("NFD") === password ? "" : password.normalize("NFD")]) {
        expect(await passwords.verify(hash, near)).toBe(false);
      }
    }
  });

  it("with a lone surrogate opens nothing, not even the text that UTF-8 makes of it", async () => {
    const hash = await passwords.hash("a\ufffd");
    expect(await passwords.verify(hash, "a\ufffd")).toBe(true);
    expect(await passwords.verify(hash, "a\ud83d")).toBe(false);
  });

  it("opens neither an absent hash nor one of an unknown kind", async () => {
    for (const hash of [undefined, "", "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", "plain", "$argon2id$"]) {
      const opened = await passwords.verify(hash, "plain").catch(() => "corrupt");
      expect(opened).not.toBe(true);
    }
  });
});

describe("common passwords", () => {
  it("are refused in strict mode, in any case", () => {
    const strict = createPasswords({ randomBytes, policy: "strict" });
    expect(() => strict.requireAcceptable("password", "ChangeMe")).toThrow("password: is one of the passwords that are tried first");
    expect(() => strict.requireAcceptable("password", "correct horse battery staple")).not.toThrow();
  });

  it("are accepted with a warning otherwise, which does not say which", () => {
    const warnings: unknown[][] = [];
    const lax = createPasswords({ randomBytes, policy: "warn", onCommon: (...said: unknown[]) => warnings.push(said) });
    lax.requireAcceptable("password", "changeme");
    lax.requireAcceptable("password", "correct horse battery staple");
    expect(warnings).toEqual([[]]);
  });

  it("with a lone surrogate are refused whatever the mode", () => {
    expect(() => passwords.requireAcceptable("new_password", "\ud83d")).toThrow("new_password: must be well-formed Unicode");
  });
});

describe("the queue of passwords", () => {
  it("is bounded, and refuses rather than piling up", async () => {
    const room = passwordsAtOnce + passwordsWaitingMax;
    const outcomes = Array.from({ length: room + 3 }, (_, i) => passwords.hash(`p${i}`).then(() => "hashed", (error: { reason: Reason }) => Reason[error.reason]));
    const settled = await Promise.all(outcomes);
    expect(settled.filter((outcome) => outcome === "NOT_READY")).toHaveLength(3);
    expect(settled.filter((outcome) => outcome === "hashed")).toHaveLength(room);
    expect(await passwords.verify(undefined, "p")).toBe(false);
  });
});
