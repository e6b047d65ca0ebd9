/** What each entry point pulls in: the default layer nothing at all, the web layers nothing of Node. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const source = fileURLToPath(new URL(".", import.meta.url));

/** Packages that an entry point reaches through its own files; types count as nothing, since they are gone at run time. */
function packagesOf(entry: string): string[] {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, "utf8");
    for (const [, clause = "", specifier = ""] of text.matchAll(/^(?:import|export)\s+((?!type\b)[^"';]*?from\s+)?"([^"]+)"/gm)) {
      if (clause === "" && !text.includes(`import "${specifier}"`)) continue;
      if (specifier.startsWith(".")) visit(join(dirname(file), specifier.replace(/\.js$/, ".ts")));
      else if (specifier === "@parapet/sdk/runtime") visit(join(source, "runtime/index.ts"));
      else packages.add(specifier);
    }
  };
  visit(join(source, entry));
  expect([...seen].every(existsSync)).toBe(true);
  return [...packages].sort();
}

it.each([
  ["index.ts", /^$/],
  ["runtime/index.ts", /^$/],
  ["connect/web.ts", /^(@bufbuild\/protobuf|@connectrpc\/connect|@connectrpc\/connect-web|@parapet\/contract)(\/|$)/],
  ["webhooks/index.ts", /^$/],
  ["webhooks/runtime.ts", /^$/],
  ["pacing/index.ts", /^$/],
  ["tracing/index.ts", /^$/],
  ["logging/index.ts", /^$/],
  ["testing/index.ts", /^(@bufbuild\/protobuf|@parapet\/contract)(\/|$)/],
  ["testing/connect.ts", /^(@bufbuild\/protobuf|@connectrpc\/connect|@parapet\/contract)(\/|$)/],
  ["rest/index.ts", /^(openapi-fetch|@parapet\/contract)(\/|$)/],
  ["connect/index.ts", /^(@bufbuild\/protobuf|@connectrpc\/connect|@connectrpc\/connect-node|@parapet\/contract)(\/|$)/],
])("%s imports only what its platform has", (entry, allowed) => {
  expect(packagesOf(entry).filter((name) => !allowed.test(name))).toEqual([]);
});

it("sees what is imported", () => {
  expect(packagesOf("connect/index.ts")).toContain("@connectrpc/connect-node");
});
