/** Checks of token verification: forged, torn, misspelled and misdirected tokens. */
import { generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { JsonObject } from "@bufbuild/protobuf";
import { type Check, everyVariant } from "../run/check.js";
import type { Context } from "../run/context.js";
import type { Judge } from "../run/verdict.js";
import type { Variant } from "../wire/wire.js";
import { whoAmI } from "./credentials.js";
import { described, refusalFaults } from "./expect.js";
import { encoded, partsOf, signed, type TokenParts, withFlippedBit, withUnusedBits } from "./token-maker.js";

/** Tokens by what is wrong with them. */
type Forgeries = readonly (readonly [what: string, token: string])[];

/** A check that sends forgeries and expects each to be refused as an invalid token, with the real token as control. */
function forgeryCheck(id: string, forge: (real: TokenParts, context: Context) => Forgeries): Check {
  return {
    id,
    profile: "smoke",
    over: everyVariant,
    run: async (context, judge, variant) => {
      const real = await realToken(context, judge, variant);
      if (real !== undefined) await refuseAll(context, judge, variant, forge(real, context));
    },
  };
}

async function realToken(context: Context, judge: Judge, variant: Variant): Promise<TokenParts | undefined> {
  const { token } = await context.people.as("reader");
  const parts = partsOf(token);
  if (parts === undefined) {
    judge.notClaimed("tokens are no signed JWTs");
    return undefined;
  }
  const good = await whoAmI(context, variant, { bearer: token });
  judge.control("the token itself", good.code === "ok", described(good));
  return parts;
}

async function refuseAll(context: Context, judge: Judge, variant: Variant, forgeries: Forgeries): Promise<void> {
  for (const [what, token] of forgeries) {
    const result = await whoAmI(context, variant, { bearer: token });
    judge.none(what, refusalFaults(result, "TOKEN_INVALID"));
  }
}

const algNone = forgeryCheck("AN-07", ({ header, text }) =>
  ["none", "None", "NONE", "nOnE", "", null].flatMap((alg): [string, string][] => {
    const forged = encoded(alg === null ? without(header, "alg") : { ...header, alg });
    return [
      [`alg ${JSON.stringify(alg)} without a signature`, `${forged}.${text.claims}.`],
      [`alg ${JSON.stringify(alg)} with the old signature`, `${forged}.${text.claims}.${text.signature}`],
    ];
  }),
);

const embeddedKeys: Check = {
  id: "AN-10",
  profile: "smoke",
  over: everyVariant,
  run: async (context, judge, variant) => {
    const real = await realToken(context, judge, variant);
    if (real === undefined) return;
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const jwk = publicKey.export({ format: "jwk" }) as JsonObject;
    const listener = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
    let fetched = 0;
    listener.on("connection", () => fetched++);
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/jwks.json`;
      const headers: [string, JsonObject][] = [["jwk", { jwk }], ["jku", { jku: url }], ["x5u", { x5u: url }], ["x5c", { x5c: [Buffer.from("certificate").toString("base64")] }]];
      const forgeries = headers.map(([what, extra]): [string, string] => {
        const input = `${encoded({ ...real.header, alg: "EdDSA", ...extra })}.${real.text.claims}`;
        return [what, `${input}.${sign(null, Buffer.from(input), privateKey).toString("base64url")}`];
      });
      await refuseAll(context, judge, variant, forgeries);
      judge.equal("connections to the URL in the token", fetched, 0);
    } finally {
      listener.close();
    }
  },
};

const strangeKid = forgeryCheck("AN-11", ({ header, text }) =>
  ["../../../../etc/passwd", "' OR '1'='1", "a\u0000b", "%2e%2e%2f", "x".repeat(4_000), "", { a: 1 }, 7].map((kid): [string, string] => [
    `kid ${JSON.stringify(kid).slice(0, 30)}`,
    `${encoded({ ...header, kid })}.${text.claims}.${text.signature}`,
  ]),
);

const brokenTokens = forgeryCheck("AN-18", ({ header, claims, text }, { random }) => {
  const { header: h, claims: c, signature: s } = text;
  return [
    ["empty signature", `${h}.${c}.`],
    ["half a signature", `${h}.${c}.${s.slice(0, s.length >> 1)}`],
    ["signature of zeros", `${h}.${c}.${Buffer.alloc(32).toString("base64url")}`],
    ["one bit of the signature", `${h}.${c}.${withFlippedBit(s, random.below(1_000))}`],
    ["one bit of the claims", `${h}.${withFlippedBit(c, random.below(1_000))}.${s}`],
    ["longer signature", `${h}.${c}.${s}AA`],
    ["another subject", `${h}.${encoded({ ...claims, sub: "somebody-else" })}.${s}`],
    ["a later end", `${h}.${encoded({ ...claims, exp: Number(claims["exp"] ?? 0) + 3_600 })}.${s}`],
    ["header written anew with a space", `${Buffer.from(`${JSON.stringify(header)} `).toString("base64url")}.${c}.${s}`],
    ["two parts", `${h}.${c}`],
    ["four parts", `${h}.${c}.${s}.${s}`],
    ["five parts, as a JWE", `${encoded({ alg: "dir", enc: "A256GCM" })}..${s}.${c}.${s}`],
    ["one part", c],
    ["dots alone", ".."],
    ["JSON serialization", Buffer.from(JSON.stringify({ payload: c, protected: h, signature: s })).toString("base64")],
    ["a word", "undefined"],
  ];
});

const notCanonical = forgeryCheck("AN-19", ({ text }) => {
  const { header, claims, signature } = text;
  const respelled = withUnusedBits(signature);
  return [
    ["padded signature", `${header}.${claims}.${signature}${"=".repeat((4 - (signature.length % 4)) % 4)}`],
    ...(respelled === undefined ? [] : [["unused bits set", `${header}.${claims}.${respelled}`] as const]),
    ...(/[-_]/.test(signature) ? [["the letters of plain base64", `${header}.${claims}.${signature.replaceAll("-", "+").replaceAll("_", "/")}`] as const] : []),
  ];
});

/** A check that signs tokens itself: what it forges is right in everything but one point. */
function signedCheck(id: string, forge: (real: TokenParts, nowSeconds: number, key: Uint8Array) => { bad: Forgeries; good?: Forgeries }): Check {
  return {
    id,
    profile: "smoke",
    over: everyVariant,
    needs: ["signing key"],
    run: async (context, judge, variant) => {
      const real = await realToken(context, judge, variant);
      const key = context.settings.signingKey;
      if (real === undefined || key === undefined) return;
      const { bad, good = [] } = forge(real, Math.floor(context.serverNow() / 1_000), key);
      for (const [what, token] of [["signed by the suite", signed(real.header, real.claims, key)], ...good] as const) {
        const result = await whoAmI(context, variant, { bearer: token });
        judge.control(what, result.code === "ok", described(result));
      }
      for (const [what, token] of bad) {
        const result = await whoAmI(context, variant, { bearer: token });
        judge.that(what, result.code === "unauthenticated", described(result));
      }
    },
  };
}

const otherAlgorithm = signedCheck("AN-09", ({ header, claims }, _now, key) => ({
  bad: [
    ["HS384", signed({ ...header, alg: "HS384" }, claims, key, "sha384")],
    ["HS512", signed({ ...header, alg: "HS512" }, claims, key, "sha512")],
    ["hs256 in small letters", signed({ ...header, alg: "hs256" }, claims, key)],
    ["RS256 over a shared secret", signed({ ...header, alg: "RS256" }, claims, key)],
  ],
}));

const unknownCritical = signedCheck("AN-12", ({ header, claims }, _now, key) => ({
  bad: [
    ["crit names an unknown header", signed({ ...header, crit: ["urn:example:strict"], "urn:example:strict": true }, claims, key)],
    ["crit names b64", signed({ ...header, crit: ["b64"], b64: true }, claims, key)],
    ["crit is empty", signed({ ...header, crit: [] }, claims, key)],
  ],
}));

/** Largest leeway that clocks may need, in seconds (RFC 9068 section 4 speaks of a few minutes). */
const leewaySeconds = 300;

const expiry = signedCheck("AN-13", ({ header, claims }, now, key) => ({
  bad: [
    ["no exp", signed(header, without(claims, "exp"), key)],
    ["expired beyond any leeway", signed(header, { ...claims, iat: now - 7_200, exp: now - leewaySeconds - 30 }, key)],
    ["exp as a text", signed(header, { ...claims, exp: String(now + 600) }, key)],
    ["exp zero", signed(header, { ...claims, exp: 0 }, key)],
  ],
}));

const notYet = signedCheck("AN-14", ({ header, claims }, now, key) => ({
  bad: [
    ["nbf in the future", signed(header, { ...claims, nbf: now + leewaySeconds + 60 }, key)],
    ["iat far in the future", signed(header, { ...claims, iat: now + 86_400, exp: now + 172_800 }, key)],
  ],
}));

const audience = signedCheck("AN-15", ({ header, claims }, _now, key) => ({
  good: [["an array with our aud", signed(header, { ...claims, aud: ["https://other.example", ...[claims["aud"] ?? ""].flat().map(String)] }, key)]],
  bad: [
    ["no aud", signed(header, without(claims, "aud"), key)],
    ["a foreign aud", signed(header, { ...claims, aud: "https://other.example" }, key)],
    ["foreign auds", signed(header, { ...claims, aud: ["https://other.example", "https://another.example"] }, key)],
    ["an empty array", signed(header, { ...claims, aud: [] }, key)],
  ],
}));

const issuer = signedCheck("AN-16", ({ header, claims }, _now, key) => ({
  bad: [["no iss", signed(header, without(claims, "iss"), key)], ["a foreign iss", signed(header, { ...claims, iss: "https://other.example" }, key)]],
}));

const tokenType = signedCheck("AN-17", ({ header, claims }, _now, key) => ({
  bad: ["JWT", "id+jwt", "rt+jwt", "", "at"].map((typ): [string, string] => [`typ ${JSON.stringify(typ)}`, signed({ ...header, typ }, claims, key)]).concat([["no typ", signed(without(header, "typ"), claims, key)]]),
}));

function without(json: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(json).filter(([each]) => each !== name));
}

/** The checks of this file. */
export const tokenChecks: readonly Check[] = [algNone, otherAlgorithm, embeddedKeys, strangeKid, unknownCritical, expiry, notYet, audience, issuer, tokenType, brokenTokens, notCanonical];
