// Tests that printed YAML means what was printed, whatever the text.
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { yamlOf } from "./yaml.js";

const awkward = [
  "", " ", "a", "a b", "a: b", "a #b", "# a", "- a", "-", "?", "!", "&a", "*a", "@a", "`a`", "%a", "{a}", "[a]", "'a'", '"a"', "a,b", "|", ">",
  "null", "Null", "~", "true", "FALSE", "yes", "No", "on", "off", "y", "N", "1", "0x1F", "1e3", "-1", "+1", ".5", "1_000", ".inf", ".NaN", "012", "0o7", "2026-03-02",
  "a\nb", "a\nb\n", "a\n\nb", "\na", " a\nb", "a\n b", "a \nb", "a\tb", "a\r\nb", "a\n\n", "a: b\nc: d", "- a\n- b", "\u0001", "\u0085", "\u2028", "\ufeff", "é ü", "😀", "a\\b", "a/b.c",
];

describe("yamlOf", () => {
  it.each(awkward)("keeps the text %j as value, key and item", (text) => {
    const value = { key: text, [text]: "value", list: [text, [text], { [text]: text }] };
    expect(parse(yamlOf(value))).toEqual(value);
    expect(parse(yamlOf(value), { version: "1.1" })).toEqual(value);
  });

  it("keeps nesting, numbers and what is empty", () => {
    const value = { a: [], b: {}, c: [[1, [2.5]], [{ d: null, e: [{ f: true }] }]], g: [{}, []], h: -0.5, i: 1e21 };
    expect(parse(yamlOf(value))).toEqual(value);
  });

  it("leaves out what is undefined", () => {
    expect(parse(yamlOf({ a: undefined, b: { c: undefined, d: 1 } }))).toEqual({ b: { d: 1 } });
  });
});
