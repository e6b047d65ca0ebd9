// Tests the grammar of path templates, and what is said of two of them against a plain matcher.
import { describe, expect, it } from "vitest";
import { conflict, covers, overlap, parseTemplate, pathSetOf } from "./http-template.js";
import type { Template } from "./model.js";

function parsed(text: string): Template {
  const template = parseTemplate(text);
  if ("fault" in template) throw new Error(template.fault);
  return template;
}

describe("parseTemplate", () => {
  it.each([
    ["/v1/a", ["v1", "a"], [], ""],
    ["/v1/{id}", ["v1", "*"], [{ field: "id", from: 1, to: 2 }], ""],
    ["/v1/{a.b_c}:run", ["v1", "*"], [{ field: "a.b_c", from: 1, to: 2 }], "run"],
    ["/v1/{name=projects/*/zones/*}/x", ["v1", "projects", "*", "zones", "*", "x"], [{ field: "name", from: 1, to: 5 }], ""],
    ["/v1/{path=**}", ["v1", "**"], [{ field: "path", from: 1, to: 2 }], ""],
    ["/v1/{path=files/**}:read", ["v1", "files", "**"], [{ field: "path", from: 1, to: 3 }], "read"],
    ["/*/**", ["*", "**"], [], ""],
    ["/{a}/{b}", ["*", "*"], [{ field: "a", from: 0, to: 1 }, { field: "b", from: 1, to: 2 }], ""],
    ["/a-b.c_d~e!$&'()+,;@/x:y", ["a-b.c_d~e!$&'()+,;@", "x"], [], "y"],
  ])("reads %s", (template, parts, variables, action) => {
    expect(parseTemplate(template)).toEqual({ template, parts, variables, action });
  });

  it.each(["", "a", "/", "/a//b", "/a/", "/{", "/{a", "/{a=}", "/{a=b/}", "/{1a}", "/{a.}", "/{a}b", "/a{b}", "/{a={b}}", "/**/a", "/{a=**}/b", "/{a=**/b}", "/{a=**}/{b}", "/a:", "/a:b:c", "/a:b/c", "/a?b", "/a=b", "/a%41", "/ä", "/***", "/*a"])(
    "refuses %j",
    (template) => {
      expect(parseTemplate(template)).toHaveProperty("fault");
    },
  );
});

describe("two templates", () => {
  const texts = ["/a", "/b", "/*", "/**", "/a:x", "/*:x", "/*:y", "/**:x", "/a/b", "/a/*", "/*/b", "/*/*", "/a/**", "/*/**", "/a/*:x", "/*/b:x", "/a/**:x", "/**:y", "/a/b/*", "/*/*/b"];
  const templates = texts.map((text) => ({ text, template: parsed(text), paths: pathSetOf(parsed(text)) }));
  const segments = ["a", "b", "c", "a:x", "b:x", "c:x", "a:y", "c:y"];
  const all = pathsUpTo(4);

  it("overlap if and only if a path matches both", () => {
    for (const a of templates) {
      for (const b of templates) {
        const both = all.some((path) => matches(a.template, path) && matches(b.template, path));
        expect(overlap(a.paths, b.paths), `${a.text} ${b.text}`).toBe(both);
      }
    }
  });

  it("cover each other if and only if every path of one matches the other", () => {
    for (const wide of templates) {
      for (const narrow of templates) {
        const every = all.filter((path) => matches(narrow.template, path)).every((path) => matches(wide.template, path));
        expect(covers(wide.paths, narrow.paths), `${wide.text} ${narrow.text}`).toBe(every);
      }
    }
  });

  it.each([
    ["/a/*", "/a/b", false],
    ["/*/b", "/a/*", true],
    ["/a/{x}", "/a/{y}", true],
    ["/a/{x}", "/a/{x}:run", false],
    ["/a/{x=**}", "/a/b/{x}", false],
    ["/a/{x=**}", "/{x}/b", true],
    ["/a", "/b", false],
  ])("%s and %s conflict: %s", (a, b, expected) => {
    expect(conflict(pathSetOf(parsed(a)), pathSetOf(parsed(b)))).toBe(expected);
    expect(conflict(pathSetOf(parsed(b)), pathSetOf(parsed(a)))).toBe(expected);
  });

  function pathsUpTo(length: number): string[][] {
    let longest: string[][] = [[]];
    const found: string[][] = [[]];
    for (let at = 0; at < length; at++) {
      longest = longest.flatMap((path) => segments.map((segment) => [...path, segment]));
      found.push(...longest);
    }
    return found;
  }

  /** Straight from the definition. A colon in the last segment may be a custom verb or a part of it. */
  function matches({ parts, action }: Template, path: readonly string[]): boolean {
    if (action !== "") {
      const last = path.at(-1) ?? "";
      if (!last.endsWith(`:${action}`)) return false;
      return parts.at(-1) === "**" ? path.length >= parts.length && fits(parts, path) : fits(parts, [...path.slice(0, -1), last.slice(0, -action.length - 1)]);
    }
    return fits(parts, path);
  }

  function fits(parts: readonly string[], path: readonly string[]): boolean {
    const [part, ...rest] = parts;
    if (part === undefined) return path.length === 0;
    if (part === "**") return true;
    return path.length > 0 && (part === "*" || part === path[0]) && fits(rest, path.slice(1));
  }
});
