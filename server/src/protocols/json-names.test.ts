/** Which JSON texts give a name twice, and that no valid text is mistaken for one that does. */
import { describe, expect, it } from "vitest";
import { seeded } from "../testing/random.js";
import { namesTwice } from "./json-names.js";

const twice = [
  '{"a":1,"a":2}',
  '{ "a" : 1 ,\n "a"\t:\r 2 }',
  '{"a":{"b":[{"c":1,"d":[],"c":null}]}}',
  String.raw`{"a":1,"\u0061":2}`,
  String.raw`{"a\"":1,"a\u0022":2}`,
  String.raw`{"\\":1,"\\":2}`,
  `{${Array.from({ length: 40 }, (_, index) => `"k${index}":${index}`).join()},"k3":0}`,
  '{"":1,"":2}',
  '{"__proto__":1,"__proto__":2}',
  '[{"a":1},{"b":{},"b":{}}]',
];
const once = [
  "1",
  '"a"',
  "[]",
  "{}",
  '["a","a"]',
  '{"a":"a","b":"a"}',
  '{"a":["a:","b\\":","a"],"b":":"}',
  '{"a":{"a":{"a":1}},"b":{"a":1}}',
  '[{"a":1},{"a":2}]',
  String.raw`{"a\\":1,"a":2,"\"a":3}`,
  `{${Array.from({ length: 40 }, (_, index) => `"k${index}":${index}`).join()}}`,
  '{"constructor":1,"toString":2}',
];

describe("a name", () => {
  it.each(twice)("is given twice in %s", (text) => expect(namesTwice(text)).toBe(true));
  it.each(once)("is not given twice in %s", (text) => expect(namesTwice(text)).toBe(false));

  it("is given twice exactly where JSON.parse loses a member", () => {
    const random = seeded(11);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
    const text = (depth: number): string => {
      const kind = depth === 0 ? 0 : Math.floor(random() * 3);
      const some = Array.from({ length: Math.floor(random() * 5) });
      if (kind === 1) return `[${some.map(() => text(depth - 1)).join()}]`;
      if (kind === 2) return `{${some.map(() => `${JSON.stringify(pick(["a", "b", "c", '"', "\\", 'a":', "{", "ü", "\u0000"]))}:${text(depth - 1)}`).join()}}`;
      return pick(["1", "null", '"a"', String.raw`"\""`, String.raw`"\\"`, '"{"', '":"', '"a,"', "-1.5e3"]);
    };
    for (let round = 0; round < 3_000; round++) {
      const given = text(4);
      expect(namesTwice(given), given).toBe(members(given) !== members(JSON.stringify(JSON.parse(given))));
    }
  });
});

/** How many members all objects of a text have, those that JSON.parse merges counted each. */
function members(text: string): number {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '"').split('":').length - 1;
}
