// Forges tokens in every way that is known and checks that only ours pass.
import { createHmac, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Failure, Reason } from "../errors.js";
import { countedBytes } from "../testing/auth-fixture.js";
import { createIds } from "./ids.js";
import { createTokens, type TokenFacts } from "./tokens.js";

const secret = Buffer.from("a-secret-of-more-than-32-bytes-0123456789");
const clock = { nowMs: Date.parse("2026-03-02T12:00:00Z") };
const nowS = clock.nowMs / 1_000;
const newId = createIds({ nowMs: () => clock.nowMs, randomBytes: countedBytes() });
const tokens = createTokens({ secret, issuer: "parapet", audience: "parapet", nowMs: () => clock.nowMs, newId });

const b64 = (value: unknown): string => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const mac = (input: string, key: Uint8Array = secret, hash = "sha256"): string => createHmac(hash, key).update(input).digest("base64url");
const header = { alg: "HS256", typ: "at+jwt" };
const claims = { iss: "parapet", aud: "parapet", sub: "usr_1", iat: nowS, exp: nowS + 60, jti: "tok_1", gen: 3 };
/** Signs whatever it is given, as the holder of the secret could. */
const sign = (head: unknown, body: unknown, key?: Uint8Array): string => {
  const input = `${b64(head)}.${b64(body)}`;
  return `${input}.${mac(input, key)}`;
};
const outcomeOf = async (token: string): Promise<string | TokenFacts> => {
  const outcome = await tokens.verify(token);
  return outcome instanceof Failure ? Reason[outcome.reason]! : outcome;
};
const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
const good = sign(header, claims);
const flip = (text: string, at: number): string => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return text.slice(0, at) + alphabet[alphabet.indexOf(text[at]!) ^ 1]! + text.slice(at + 1);
};

describe("a token", () => {
  it("that was issued verifies and says who, which and until when", async () => {
    const { token, tokenId, expiresAt } = await tokens.issue("usr_1", 7);
    expect(expiresAt).toBe(nowS + 24 * 3_600);
    expect(await outcomeOf(token)).toEqual({ userId: "usr_1", tokenId, generation: 7, refusedFromMs: (expiresAt + 5) * 1_000 });
    expect(JSON.parse(Buffer.from(token.split(".")[0]!, "base64url").toString())).toMatchObject({ alg: "HS256", typ: "at+jwt" });
  });

  it.each([
    ["in the simplest form", good],
    ["for several audiences, ours among them", sign(header, { ...claims, aud: ["else", "parapet"] })],
    ["with a type in full", sign({ ...header, typ: "application/at+jwt" }, claims)],
    ["with claims of others", sign(header, { ...claims, role: "admin", nested: { sub: "x", "a\"}": [1, { b: 2 }] } })],
    ["with the clocks a little apart", sign(header, { ...claims, iat: nowS + 4, nbf: nowS + 4 })],
    ["just expired", sign(header, { ...claims, exp: nowS - 4 })],
    ["with keys of its own, which nobody looks at", sign({ ...header, jwk: { kty: "oct", k: "AAAA" }, jku: "http://127.0.0.1:1/", x5u: "http://127.0.0.1:1/", x5c: ["AA"] }, claims)],
  ])("%s verifies", async (_, token) => {
    expect(await outcomeOf(token)).toMatchObject({ userId: "usr_1", tokenId: "tok_1" });
  });

  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const input = `${b64(header)}.${b64(claims)}`;
  it.each([
    ["empty", ""],
    ["of two parts", input],
    ["of four parts", `${good}.x`],
    ["of five parts, as JWE", `${good}.x.y`],
    ["in the JSON serialization", JSON.stringify({ payload: b64(claims), protected: b64(header), signature: mac(input) })],
    ["without a signature", `${input}.`],
    ["with alg none and no signature", `${b64({ ...header, alg: "none" })}.${b64(claims)}.`],
    ...["none", "None", "nOnE", "NONE", "", "hs256", "HS384", "HS512", "RS256", "ES256", "EdDSA", null, 256, ["HS256"]].map((alg): [string, string] => [`with alg ${JSON.stringify(alg)}`, sign({ ...header, alg }, claims)]),
    ["with no alg", sign({ typ: "at+jwt" }, claims)],
    ["signed with HS512 under alg HS256", `${input}.${mac(input, secret, "sha512")}`],
    ["signed with another secret", sign(header, claims, Buffer.alloc(40, 1))],
    ["signed with a public key in PEM", sign(header, claims, Buffer.from(publicKey.export({ type: "spki", format: "pem" })))],
    ["signed with a public key in DER", sign(header, claims, publicKey.export({ type: "spki", format: "der" }))],
    ["signed with the key it brings along", sign({ ...header, jwk: { kty: "oct", k: b64("x".repeat(40)), alg: "HS256" } }, claims, Buffer.from("x".repeat(40)))],
    ["signed with the empty secret", sign(header, claims, Buffer.alloc(0))],
    ["with a crit that nobody knows", sign({ ...header, crit: ["exp"], exp: 1 }, claims)],
    ["with an empty crit", sign({ ...header, crit: [] }, claims)],
    ["with b64 false", sign({ ...header, b64: false, crit: ["b64"] }, claims)],
    ...["../../etc/passwd", "' OR 1=1 --", "\u0000", "k".repeat(4_000), "", 1, null].map((kid): [string, string] => [`with kid ${JSON.stringify(kid).slice(0, 20)}`, sign({ ...header, kid }, claims)]),
    ...["JWT", "jwt", "id+jwt", "refresh+jwt", "", null, undefined].map((typ): [string, string] => [`with typ ${JSON.stringify(typ)}`, sign({ ...header, typ }, claims)]),
    ...["iss", "aud", "sub", "iat", "exp", "jti"].map((name): [string, string] => [`without ${name}`, sign(header, without(name))]),
    ...["iss", "aud", "sub", "iat", "exp", "jti"].map((name): [string, string] => [`with ${name} null`, sign(header, { ...claims, [name]: null })]),
    ["of another issuer", sign(header, { ...claims, iss: "other" })],
    ["for another audience", sign(header, { ...claims, aud: "other" })],
    ["for other audiences", sign(header, { ...claims, aud: ["a", "b"] })],
    ["with an exp in words", sign(header, { ...claims, exp: String(nowS + 60) })],
    ["with an iat in words", sign(header, { ...claims, iat: String(nowS) })],
    ["issued in the future", sign(header, { ...claims, iat: nowS + 60, exp: nowS + 120 })],
    ["not valid yet", sign(header, { ...claims, nbf: nowS + 60 })],
    ["expired and issued in the future", sign(header, { ...claims, iat: nowS + 60, exp: nowS - 60 })],
    ["expired and of another issuer", sign(header, { ...claims, iss: "other", exp: nowS - 60 })],
    ["expired and signed with another secret", sign(header, { ...claims, exp: nowS - 60 }, Buffer.alloc(40, 1))],
    ["with an empty sub", sign(header, { ...claims, sub: "" })],
    ["with a sub that is a number", sign(header, { ...claims, sub: 1 })],
    ["with a generation in words", sign(header, { ...claims, gen: "3" })],
    ["with a claim twice", sign(header, `{"sub":"usr_2",${JSON.stringify(claims).slice(1)}`)],
    ["with a claim twice, once escaped", sign(header, `{"\\u0073ub":"usr_2",${JSON.stringify(claims).slice(1)}`)],
    ["with a header twice", sign(`{"alg":"none",${JSON.stringify(header).slice(1)}`, claims)],
    ["with claims that are an array", sign(header, [claims])],
    ["with claims that are no JSON", sign(header, "{")],
    ["with a padded signature", `${good}=`],
    ["with a padded payload", `${b64(header)}.${b64(claims)}=.${mac(input)}`],
    ["with unused bits set", flip(good, good.length - 1)],
    ["with a flipped bit in its signature", flip(good, good.length - 10)],
    ["with a flipped bit in its claims", flip(good, good.indexOf(".") + 9)],
    ["with a truncated signature", good.slice(0, -4)],
    ["with a signature in base64", `${input}.${Buffer.from(mac(input), "base64url").toString("base64")}`],
    ["with blanks", ` ${good}`],
    ["with a line end inside", `${good.slice(0, 40)}\n${good.slice(40)}`],
  ])("%s is TOKEN_INVALID", async (_, token) => {
    expect(await outcomeOf(token)).toBe("TOKEN_INVALID");
  });

  it("that is ours but too old is TOKEN_EXPIRED", async () => {
    expect(await outcomeOf(sign(header, { ...claims, iat: nowS - 120, exp: nowS - 60 }))).toBe("TOKEN_EXPIRED");
    expect(await outcomeOf(sign(header, { ...claims, exp: nowS - 5 }))).toBe("TOKEN_EXPIRED");
  });
});

describe("a secret", () => {
  it("of fewer than 32 bytes is refused without being named", () => {
    const short = Buffer.from("your-secret-key-here");
    expect(() => createTokens({ secret: short, issuer: "i", audience: "a", nowMs: () => 0, newId })).toThrow("needs at least 32 bytes, not 20");
  });
});
