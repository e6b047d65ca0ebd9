// Tests that the tree finds what a look at every pair finds, for all templates of a small alphabet.
import { describe, expect, it } from "vitest";
import { overlap, parseTemplate, type PathSet, pathSetOf } from "./http-template.js";
import { PathTree } from "./path-tree.js";

/** Every template of up to three parts, with and without a custom verb. */
function templates(): string[] {
  const paths = ["a", "b", "*"].flatMap((first) => [[first], ...["a", "b", "*"].flatMap((second) => [[first, second], ...["a", "*"].map((third) => [first, second, third])])]);
  const open = [["**"], ...["a", "*"].flatMap((first) => [[first, "**"], ...["b", "*"].map((second) => [first, second, "**"])])];
  return [...paths, ...open].flatMap((parts) => ["", ":run", ":stop"].map((action) => `/${parts.join("/")}${action}`));
}

function pathsOf(text: string): PathSet {
  const template = parseTemplate(text);
  if ("fault" in template) throw new Error(`${text}: ${template.fault}`);
  return pathSetOf(template);
}

describe("a tree of paths", () => {
  const all = templates().map((text) => ({ text, paths: pathsOf(text) }));

  it.each([["in order", all], ["backwards", [...all].reverse()]])("gives what overlaps, as it was added, %s", (_what, given) => {
    const tree = new PathTree<string>();
    const before: typeof all = [];
    let found = 0;
    for (const { text, paths } of given) {
      const expected = before.filter((other) => overlap(other.paths, paths)).map((other) => other.text);
      expect(tree.overlapping(paths), text).toEqual(expected);
      found += expected.length;
      tree.add(paths, text);
      before.push({ text, paths });
    }
    expect(found).toBeGreaterThan(1000);
  });
});
