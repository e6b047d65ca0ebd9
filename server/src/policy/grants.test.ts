// Checks the arithmetic of grants against what it means: a question asked of every collection.
import { describe, expect, it } from "vitest";
import { seeded } from "../testing/random.js";
import { bitsOf, covers, describeGrants, flagsOf, intersect, isServerAdmin } from "./grants.js";
import { ADMIN, type Grants, READ, rightsOn, WRITE } from "./rights.js";

const collections = ["*", "a", "b", "c"];
/** `other` stands for all collections that no grant names. */
const asked = [...collections, "other"];

function anyGrants(random: () => number): Grants {
  return new Map(collections.filter(() => random() < 0.5).map((collection) => [collection, Math.floor(random() * 8)]));
}

describe("grants", () => {
  it("that are narrowed allow exactly what both sides allow", () => {
    const random = seeded(1);
    for (let i = 0; i < 2_000; i++) {
      const [held, scope] = [anyGrants(random), anyGrants(random)];
      const narrowed = intersect(held, scope);
      for (const collection of asked) expect(rightsOn(narrowed, collection)).toBe(rightsOn(held, collection) & rightsOn(scope, collection));
      expect(covers(held, narrowed) && covers(scope, narrowed)).toBe(true);
      expect(isServerAdmin(narrowed)).toBe(isServerAdmin(held) && isServerAdmin(scope));
    }
  });

  it("cover others if no collection allows more there", () => {
    const random = seeded(2);
    for (let i = 0; i < 2_000; i++) {
      const [held, wanted] = [anyGrants(random), anyGrants(random)];
      expect(covers(held, wanted)).toBe(asked.every((collection) => (rightsOn(wanted, collection) & ~rightsOn(held, collection)) === 0));
    }
  });

  it("are flags in messages and words in records", () => {
    expect(bitsOf({ read: true, write: false, admin: true })).toBe(READ | ADMIN);
    expect(flagsOf(WRITE)).toEqual({ read: false, write: true, admin: false });
    expect(describeGrants(new Map([["blog", READ | WRITE], ["*", READ]]))).toBe("*:read blog:read,write");
    expect(describeGrants(new Map())).toBe("none");
  });
});
