/** The catalog fits the registry, and the small parsers of checks read what they should. */
import { describe, expect, it } from "vitest";
import { methods } from "../contract.js";
import { requirementOf, requirements } from "../registry.js";
import { carries } from "../wire/client.js";
import { fromLines } from "../wire/fields.js";
import { variants } from "../wire/wire.js";
import { parseLimitField } from "./budgets.js";
import { catalog } from "./catalog.js";
import { sampleOf } from "./samples.js";
import { partsOf, signed, withFlippedBit, withUnusedBits } from "./token-maker.js";

describe("the catalog", () => {
  it("has at most one check of a requirement, and every one is in the registry", () => {
    const ids = catalog.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(requirementOf(id).id).toBe(id);
  });

  it("covers at least 25 requirements over five areas in the smoke profile", () => {
    const smoke = catalog.filter(({ profile }) => profile === "smoke");
    expect(smoke.length).toBeGreaterThanOrEqual(25);
    expect(new Set(smoke.map(({ id }) => id.slice(0, 2)))).toEqual(new Set(["AN", "AZ", "ER", "RL", "AU"]));
  });

  it("is made over at least one way to call", () => {
    for (const { over } of catalog) expect(over === "once" || variants.some(over)).toBe(true);
  });
});

describe("the registry", () => {
  it("has every requirement once", () => {
    expect(new Set(requirements.map(({ id }) => id)).size).toBe(requirements.length);
  });
});

describe("every method of the contract", () => {
  it("is carried by a protocol and has a sample request", () => {
    for (const method of methods) {
      expect(variants.some((variant) => carries(variant, method))).toBe(true);
      expect(sampleOf(method, { collection: "c", existingUser: "u", absent: "a", expiresAt: 1 })).toBeTypeOf("object");
    }
  });
});

describe("a RateLimit field", () => {
  const cases: [text: string, names: string[] | undefined][] = [
    ['"api";r=50;t=30', ["api"]],
    ['"api";q=100;w=60, "login" ; q=20;w=60', ["api", "login"]],
    ['"a\\"b";r=1', ['a"b']],
    ['"api";r=50;pk=:cHsdsRa894==:', ["api"]],
    ["api;r=50", undefined],
    ["100, 100;w=60", undefined],
    ['"api;r=50', undefined],
    ['"api";R=50', undefined],
    ['"api";r=50,,', undefined],
  ];
  it.each(cases)("%s", (text, names) => {
    expect(parseLimitField(fromLines(`ratelimit: ${text}`), "ratelimit")?.map(({ name }) => name)).toEqual(names);
  });

  it("gives integers as numbers and other values as texts", () => {
    const [item] = parseLimitField(fromLines('ratelimit: "api";r=5;t=1.5;x'), "ratelimit") ?? [];
    expect([...(item?.parameters ?? [])]).toEqual([["r", 5], ["t", "1.5"], ["x", true]]);
  });
});

describe("made tokens", () => {
  const token = signed({ alg: "HS256" }, { sub: "a" }, Buffer.alloc(32, 7));

  it("come apart into what they were made of", () => {
    expect(partsOf(token)).toMatchObject({ header: { alg: "HS256" }, claims: { sub: "a" } });
    expect(partsOf("opaque")).toBeUndefined();
  });

  it("have other letters and the same bytes with unused bits set", () => {
    const { signature } = partsOf(token)!.text;
    const other = withUnusedBits(signature)!;
    expect(other).not.toBe(signature);
    expect(Buffer.from(other, "base64url")).toEqual(Buffer.from(signature, "base64url"));
  });

  it("have other bytes with a flipped bit", () => {
    const { signature } = partsOf(token)!.text;
    expect(Buffer.from(withFlippedBit(signature, 5), "base64url")).not.toEqual(Buffer.from(signature, "base64url"));
  });
});
