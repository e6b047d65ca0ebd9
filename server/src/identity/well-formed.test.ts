// Checks that no text is stored as another one.
import { describe, expect, it } from "vitest";
import { Failure } from "../errors.js";
import { isWellFormed } from "../unicode.js";
import { requireWellFormed } from "./well-formed.js";

describe("a text", () => {
  it.each([
    ["", true],
    ["alice", true],
    ["é\u0000\n\u202e\ufffd\uffff", true],
    ["\u{1f600}", true],
    ["\ud83d", false],
    ["\ude00", false],
    ["\ude00\ud83d", false],
    ["a\ud83d\u{1f600}", false],
  ])("%j may be stored: %s", (text, stored) => {
    expect(isWellFormed(text)).toBe(stored);
    expect(Buffer.from(text, "utf8").toString("utf8") === text).toBe(stored);
  });

  it("that may not is refused by the name of its field", () => {
    let thrown: unknown;
    try {
      requireWellFormed({ username: "alice", description: "\ud83d" });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Failure);
    expect(thrown).toMatchObject({ metadata: { field: "description" }, options: { violations: [{ field: "description", rule: "string.well_formed" }] } });
  });
});
