/** Key files are made once, private, and refused when they are not. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadOrCreateKeyFile } from "./key-file.js";

describe("a key file", () => {
  let parent: string;
  let path: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "parapet-keys-"));
    path = join(parent, "keys", "master.key");
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  it("is made once and gives the same key from then on", () => {
    const key = loadOrCreateKeyFile(path);
    expect(key).toHaveLength(32);
    expect(loadOrCreateKeyFile(path)).toEqual(key);
    expect(loadOrCreateKeyFile(join(parent, "keys", "other.key"))).not.toEqual(key);
  });

  it("is private, and leaves nothing else behind", () => {
    loadOrCreateKeyFile(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(parent, "keys")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(parent, "keys"))).toEqual(["master.key"]);
  });

  it.each([
    ["its group can read it", () => chmodSync(path, 0o640), "mode 640"],
    ["anybody can read it", () => chmodSync(path, 0o604), "mode 604"],
    ["others can enter its directory", () => chmodSync(join(parent, "keys"), 0o755), "mode 755"],
    ["it is short", () => writeFileSync(path, new Uint8Array(31)), "does not hold 32 bytes"],
    ["it is long", () => writeFileSync(path, new Uint8Array(33)), "does not hold 32 bytes"],
    ["it is a directory", () => (rmSync(path), mkdirSync(path, { mode: 0o700 })), "is not a file"],
  ])("is refused, by name, when %s", (_, spoil, fault) => {
    loadOrCreateKeyFile(path);
    spoil();
    expect(() => loadOrCreateKeyFile(path)).toThrow(fault);
    expect(() => loadOrCreateKeyFile(path)).toThrow(join(parent, "keys"));
  });
});
