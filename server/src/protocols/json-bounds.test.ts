// JSON that would take much memory for few bytes is told before it is parsed, whatever its texts hold.
import { describe, expect, test } from "vitest";
import { jsonDepthMax, messageFieldsMax, plainValuesPerField } from "../limits.js";
import { isUnbounded } from "./json-bounds.js";

const lists = (depth: number, inside = ""): string => `${"[".repeat(depth)}${inside}${"]".repeat(depth)}`;
const wide = (count: number, one: string): string => `[${Array.from({ length: count - 1 }, () => one).join()}]`;
const room = messageFieldsMax * plainValuesPerField;
/** Of the list's own, and a comma behind each but the last. */
const objectsMax = 1 + Math.floor((room - plainValuesPerField + 1) / (plainValuesPerField + 1));
const numbersMax = 1 + room - plainValuesPerField + 1;

describe("JSON is unbounded", () => {
  test.each([
    ["lists one too deep", lists(jsonDepthMax + 1), true],
    ["lists as deep as may be", lists(jsonDepthMax), false],
    ["objects one too deep", `${'{"a":'.repeat(jsonDepthMax + 1)}1${"}".repeat(jsonDepthMax + 1)}`, true],
    ["lists that never end", "[".repeat(jsonDepthMax + 1), true],
    ["one object too many", wide(objectsMax + 1, "{}"), true],
    ["as many objects as may be", wide(objectsMax, "{}"), false],
    ["one list too many", wide(objectsMax + 1, "[]"), true],
    ["one text too many", wide(objectsMax + 1, '""'), true],
    ["as many texts as may be", wide(objectsMax, '""'), false],
    ["one member too many", `{${wide(objectsMax + 1, '"a":1').slice(1, -1)}}`, true],
    ["as many members as may be", `{${wide(objectsMax, '"a":1').slice(1, -1)}}`, false],
    ["more numbers than fields", wide(3 * messageFieldsMax, "1"), false],
    ["one number too many", wide(numbersMax + 1, "1"), true],
    ["as many numbers as may be", wide(numbersMax, "1"), false],
    ["commas within a text", `"${",".repeat(2 * numbersMax)}"`, false],
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
