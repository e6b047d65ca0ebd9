/** Holds quoting to the engine's own. */
import { expect, it } from "vitest";
import { quote } from "./json-quote.js";

it("quotes every UTF-16 unit, in short text and in long, as JSON.stringify does", () => {
  for (let unit = 0; unit <= 0xffff; unit++) {
    const character = String.fromCharCode(unit);
    for (const text of [character, `ab${character}`, character + "x".repeat(50)]) if (quote(text) !== JSON.stringify(text)) expect(quote(text)).toBe(JSON.stringify(text));
  }
});

it.each(["", "a", "😀", "\ud83d", "a\ude00b", "\udc00\ud800", "x".repeat(39), "x".repeat(40), "x".repeat(41), `${"x".repeat(39)}"`])("quotes %j as JSON.stringify does", (text) => {
  expect(quote(text)).toBe(JSON.stringify(text));
});
