// JSON that would take much memory for few bytes is told before it is parsed, whatever its texts hold.
import { describe, expect, test } from "vitest";
import { jsonContainersMax, jsonDepthMax } from "../limits.js";
import { isUnbounded } from "./json-bounds.js";

const lists = (depth: number, inside = ""): string => `${"[".repeat(depth)}${inside}${"]".repeat(depth)}`;
const wide = (count: number, one: string): string => `[${Array.from({ length: count - 1 }, () => one).join()}]`;

describe("JSON is unbounded", () => {
  test.each([
    ["lists one too deep", lists(jsonDepthMax + 1), true],
    ["lists as deep as may be", lists(jsonDepthMax), false],
    ["objects one too deep", `${'{"a":'.repeat(jsonDepthMax + 1)}1${"}".repeat(jsonDepthMax + 1)}`, true],
    ["lists that never end", "[".repeat(jsonDepthMax + 1), true],
    ["one object too many", wide(jsonContainersMax + 1, "{}"), true],
    ["as many objects as may be", wide(jsonContainersMax, "{}"), false],
    ["brackets within a text", `"${"[{".repeat(jsonDepthMax)}"`, false],
    ["brackets behind a quote that is escaped", `["\\"${"[".repeat(2 * jsonDepthMax)}"]`, false],
    ["brackets behind a text that ends with a backslash", `["\\\\"${",[".repeat(2 * jsonDepthMax)}`, true],
    ["a text that never ends", `"${"[".repeat(2 * jsonDepthMax)}`, false],
    ["a text that ends with half an escape", `"${"[".repeat(2 * jsonDepthMax)}\\"`, false],
    ["many short lists", wide(5_000, lists(10, "1")), false],
  ])("%s", (_what, text, unbounded) => {
    expect(isUnbounded(text)).toBe(unbounded);
  });
});
