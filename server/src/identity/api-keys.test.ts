// Checks the text of API keys, and that a typo costs no look-up.
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../store/memory.js";
import { countedBytes } from "../testing/auth-fixture.js";
import { hashOfApiKey, idOfApiKey, isApiKey, looksLikeApiKey, makeApiKey } from "./api-keys.js";
import { createIdentity } from "./identity.js";

describe("the text of an API key", () => {
  const { text, prefix, last4 } = makeApiKey(countedBytes());

  it("is a prefix, 20 random bytes and their CRC32 in hex", () => {
    expect(text).toMatch(/^parapet_live_[0-9a-f]{48}$/);
    expect(Number.parseInt(text.slice(-8), 16)).toBe(crc32(text.slice(0, -8)));
    expect([prefix, last4]).toEqual(["parapet_live_", text.slice(-4)]);
    expect(makeApiKey(() => new Uint8Array(20)).text.slice(13, 53)).toBe("0".repeat(40));
  });

  it("is known for a typo in any place", () => {
    expect(isApiKey(text)).toBe(true);
    for (let at = "parapet_live_".length; at < text.length; at++) {
      const typo = text.slice(0, at) + (text[at] === "a" ? "b" : "a") + text.slice(at + 1);
      expect(isApiKey(typo)).toBe(false);
      expect(looksLikeApiKey(typo)).toBe(true);
    }
    expect(isApiKey(`mddb_live_${text.slice(-48)}`)).toBe(true);
    expect(looksLikeApiKey("eyJhbGciOiJIUzI1NiJ9.e30.x")).toBe(false);
  });

  it("leads to one id that does not hold it", () => {
    expect(idOfApiKey(hashOfApiKey(text))).toMatch(/^key_[0-9a-f]{32}$/);
    expect(idOfApiKey(hashOfApiKey(text))).not.toBe(idOfApiKey(hashOfApiKey(`${text}0`)));
  });

  it("is looked up only if its checksum is right", () => {
    const store = createMemoryStore();
    const reads: Uint8Array[] = [];
    const counting = { ...store, get: (key: Uint8Array) => (reads.push(key), store.get(key)) };
    const { source } = createIdentity({ store: counting, tenant: "t", nowMs: () => 0, randomBytes: countedBytes(), tokenSecret: Buffer.alloc(32), passwordPolicy: "warn" });
    void source.authenticate({ kind: "api-key", text: `${text.slice(0, -1)}${last4.endsWith("a") ? "b" : "a"}` }, { clientIp: "" });
    expect(reads).toHaveLength(0);
    void source.authenticate({ kind: "api-key", text }, { clientIp: "" });
    expect(reads).toHaveLength(1);
  });
});
