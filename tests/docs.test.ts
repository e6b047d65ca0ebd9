/** The prose tells the truth: paths exist, reasons exist, commands exist. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ReasonSchema } from "@parapet/contract/parapet/error/v1/reason_pb";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");
const pages = ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"];
const scripts = Object.keys((JSON.parse(read("package.json")) as { scripts: Record<string, string> }).scripts);

describe.each(pages)("%s", (page) => {
  const text = read(page);

  test("every path it names exists", () => {
    const named = [...text.matchAll(/`((?:server|sdk|conformance|bench|examples|gen|openapi|proto|scripts|tests|tools)\/[\w./-]*)`/g)].map((match) => match[1]!);
    expect(named.filter((path) => !existsSync(`${root}${path}`))).toEqual([]);
  });

  test("every relative link leads somewhere", () => {
    const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
    expect(links.filter((link) => !existsSync(`${root}${link}`))).toEqual([]);
  });

  test("every npm script it names exists", () => {
    const named = [...text.matchAll(/npm run ([a-z:-]+)/g)].map((match) => match[1]!);
    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
  });

  test("every reason it names is in the contract", () => {
    const known = new Set(ReasonSchema.values.map(({ name }) => name.replace(/^REASON_/, "")));
    const named = [...text.matchAll(/reason[s]? `([A-Z_]+)`/g)].map((match) => match[1]!);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});
