// Tests that samples match the patterns they were made from.
import { describe, expect, it } from "vitest";
import { sampleOfPattern } from "./regex.js";

describe("sampleOfPattern", () => {
  it.each([
    ["^(user|source):.", "user:a"],
    ["^[a-z][a-z0-9]{2,}(-[a-z]+)?$", "aaa"],
    ["^[^a-z]+$", "1"],
    ["^\\d{3}-\\w+\\.\\s?$", "111-a."],
    ["^(?:a|b){2}(?P<c>c)*x$", undefined],
    ["^(?<name>ab)+$", "ab"],
    ["^a|b$", "a"],
    ["", ""],
    ["^[\\]\\\\x]$", "]"],
    ["^\\bword\\b$", "word"],
    ["^.{0,3}$", ""],
    ["^[+-]?[0-9]+(?:\\.[0-9]+)?$", "0"],
  ])("of %s is %j", (pattern, sample) => {
    expect(sampleOfPattern(pattern)).toBe(sample);
  });

  it.each(["\\p{L}+", "(?i)a", "[[:alpha:]]", "(a", "a)", "[a", "(?=a)b", "[^\\s\\S]", "a{2"])("of %s is not known", (pattern) => {
    const sample = sampleOfPattern(pattern);
    if (sample !== undefined) expect(sample).toMatch(new RegExp(pattern));
    else expect(sample).toBeUndefined();
  });
});
