/** README files become documents, whatever stands in the package.json beside them. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { metaOf, readCorpus } from "./corpus.js";

describe("the corpus", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "corpus-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function put(path: string, content: string | object): Promise<void> {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), typeof content === "string" ? content : JSON.stringify(content));
  }

  it("keys a package's first README by its name and further ones by their path", async () => {
    await put("@scope/one/package.json", { name: "@scope/one", version: "1.2.3", license: "MIT", keywords: ["a", "b"], author: "Ann <ann@example.com>" });
    await put("@scope/one/README.md", "# One");
    await put("@scope/one/docs/readme.md", "# More");
    await put("two/package.json", { name: "two" });
    await put("two/node_modules/@scope/one/package.json", { name: "@scope/one", version: "0.1.0" });
    await put("two/node_modules/@scope/one/README.md", "# Old");
    await put("two/other.md", "not one");
    const documents = await readCorpus(folder);
    expect(documents.map(({ key, contentMd }) => [key, contentMd])).toEqual([
      ["@scope/one", "# One"],
      ["@scope/one/docs/readme.md", "# More"],
      ["two/node_modules/@scope/one/README.md", "# Old"],
    ]);
    expect(documents[0]).toMatchObject({ lang: "en", meta: { name: ["@scope/one"], version: ["1.2.3"], license: ["MIT"], keywords: ["a", "b"], author: ["Ann"] } });
  });

  it("takes the facts from the nearest package.json that names a package", async () => {
    await put("one/package.json", { name: "one" });
    await put("one/dist/package.json", { type: "module" });
    await put("one/dist/README.md", "# Inner");
    expect(await readCorpus(folder)).toMatchObject([{ key: "one", meta: { name: ["one"] } }]);
  });

  it("does not follow links", async () => {
    await put("one/package.json", { name: "one" });
    await put("one/README.md", "# One");
    await symlink(join(folder, "one"), join(folder, "linked"));
    expect(await readCorpus(folder)).toHaveLength(1);
  });

  it.each([
    [{ license: { type: "ISC" } }, { license: ["ISC"] }],
    [{ licenses: [{ type: "MIT" }, { type: "Apache-2.0" }] }, { license: ["MIT", "Apache-2.0"] }],
    [{ author: { name: "Bob", email: "b@example.com" } }, { author: ["Bob"] }],
    [{ keywords: "solo" }, { keywords: ["solo"] }],
    [{ name: 5, version: null, keywords: [1, "", "x"], author: [] }, { keywords: ["x"] }],
  ])("reads %o as %o", (manifest, meta) => expect(metaOf(manifest)).toEqual(meta));
});
