/** Every snippet of README.md and api.md compiles. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const home = fileURLToPath(new URL("..", import.meta.url));
const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Blocks of TypeScript in a page. */
function snippetsOf(page: string): string[] {
  const text = readFileSync(join(home, page), "utf8");
  return Array.from(text.matchAll(/```ts\n([\s\S]*?)```/g), ([, code = ""]) => code);
}

it("every snippet of README.md and api.md compiles", () => {
  const readme = snippetsOf("README.md");
  const [preamble = "", ...calls] = snippetsOf("api.md");
  const api = calls.map((code) => `{\n${code}}\n`);
  expect(readme.length).toBeGreaterThan(3);
  expect(api.length).toBeGreaterThan(30);
  const files = [...readme, preamble + api.join("")];
  const folder = mkdtempSync(join(tmpdir(), "parapet-snippets-"));
  try {
    const config = {
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: {
        noEmit: true,
        composite: false,
        declaration: false,
        declarationMap: false,
        sourceMap: false,
        types: ["node"],
        paths: {
          "@parapet/sdk": [join(home, "src/index.ts")],
          "@parapet/sdk/*": [join(home, "src/*/index.ts"), join(home, "src/*.ts")],
        },
      },
      include: ["*.ts"],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    files.forEach((code, at) => writeFileSync(join(folder, `snippet-${at}.ts`), code));
    const { stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], { encoding: "utf8" });
    expect(stdout).toBe("");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
