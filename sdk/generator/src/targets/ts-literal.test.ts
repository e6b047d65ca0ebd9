// Tests that printed literals evaluate to what was printed.
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { Json } from "../model.js";
import { tsLiteral } from "./ts-literal.js";

const evaluate = (text: string): unknown => runInNewContext(`(${text})`);

describe("tsLiteral", () => {
  it.each<Json>([
    null,
    "",
    "a\"b\\c\n\u2028</script>${x}`",
    "a".repeat(41),
    { "a-b": 1, constructor: 2, function: [true, false], "": {} },
    { ["k".repeat(99)]: ["é".repeat(50)] },
    [[], {}, [[1.5, -0.25]], "x".repeat(130)],
  ])("keeps %j", (value) => {
    // Values of another realm have other prototypes.
    expect(JSON.stringify(evaluate(tsLiteral(value)))).toBe(JSON.stringify(value));
  });

  it("keeps a key that would set the prototype", () => {
    const value = JSON.parse('{"__proto__": 1}') as Json;
    expect(tsLiteral(value)).toBe('{ ["__proto__"]: 1 }');
  });

  it("shortens what only repeats", () => {
    expect(tsLiteral({ text: "a".repeat(1025) })).toBe('{ text: "a".repeat(1025) }');
  });
});
