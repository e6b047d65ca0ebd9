// Tests the command `parapet-generate` as it is typed.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { main } from "./cli.js";

const awkward = fileURLToPath(new URL("testing/awkward", import.meta.url));
const refused = fileURLToPath(new URL("testing/refused", import.meta.url));

let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "parapet-cli-"));
});
afterEach(async () => {
  await rm(out, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const lines = { out: [] as string[], err: [] as string[] };
  const status = await main(args, { out: (line) => lines.out.push(line), err: (line) => lines.err.push(line) });
  return { status, out: lines.out.join("\n"), err: lines.err.join("\n") };
}

const generate = (...more: string[]) => run("--proto", awkward, "--out", out, ...more);
const check = (...more: string[]) => run("check", "--proto", awkward, "--out", out, ...more);

async function textsIn(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(await Promise.all(files.sort().map(async (file) => [file, await readFile(file, "utf8")] as const)));
}

describe("parapet-generate", () => {
  it("writes every target, and the same bytes the second time", async () => {
    expect(await generate()).toMatchObject({ status: 0, err: "" });
    const first = await textsIn(out);
    expect(Object.keys(first).map((path) => path.slice(out.length + 1))).toEqual(
      expect.arrayContaining(["conformance/cases.ts", "contract/contract.ts", "manifest.json", "openapi/openapi.json", "openapi/openapi.yaml", "openapi-module/document.ts", "rest/routes.ts"]),
    );
    expect(await generate()).toMatchObject({ status: 0, out: expect.stringContaining(" 0 written, 0 stale") as string });
    expect(await textsIn(out)).toEqual(first);
    expect((await check()).status).toBe(0);
  });

  it("writes the chosen targets to the chosen folders, with their options", async () => {
    const { status } = await generate("--target", "rest=src/rest", "--target", "openapi=.", "--option", "openapi.title=Notes", "--option", "openapi.name=notes", "--manifest", join(out, "lock/m.json"));
    expect(status).toBe(0);
    const texts = await textsIn(out);
    expect(Object.keys(texts).map((path) => path.slice(out.length + 1))).toEqual(["lock/m.json", "notes.openapi.json", "notes.openapi.yaml", "src/rest/routes.ts"]);
    expect(texts[join(out, "notes.openapi.yaml")]).toContain("title: Notes");
  });

  it("says which path it cannot write to", async () => {
    const file = join(out, "file");
    await writeFile(file, "Not a folder.\n");
    const { status, err } = await run("--proto", awkward, "--out", file, "--target", "rest");
    expect({ status, err }).toEqual({ status: 1, err: `parapet-generate: ${join(file, "manifest.json")}: a part of the path is a file where a folder has to be` });
  });

  it("leaves files alone that it did not write", async () => {
    await mkdir(join(out, "rest"));
    await writeFile(join(out, "rest/routes.ts"), "// By hand.\n");
    await writeFile(join(out, "rest/own.ts"), "// By hand.\n");
    const { status, err } = await generate("--target", "rest");
    expect(status).toBe(1);
    expect(err).toContain("rest/routes.ts: exists and was not generated");
    expect(await readFile(join(out, "rest/routes.ts"), "utf8")).toBe("// By hand.\n");
    expect((await readdir(out)).sort()).toEqual(["rest"]);
  });

  it("removes what it wrote and no longer writes, but keeps it where somebody changed it since", async () => {
    await generate("--target", "rest", "--target", "contract", "--target", "conformance");
    await writeFile(join(out, "conformance/cases.ts"), "// Changed.\n");
    expect((await generate("--target", "rest")).out).toContain("2 stale");
    const left = Object.keys(await textsIn(out)).map((path) => path.slice(out.length + 1));
    expect(left).toEqual(["conformance/cases.ts", "manifest.json", "rest/routes.ts"]);
  });
});

describe("parapet-generate check", () => {
  it("writes nothing", async () => {
    expect(await check("--target", "rest")).toMatchObject({ status: 1, err: expect.stringContaining("missing: rest/routes.ts") as string });
    expect(await readdir(out)).toEqual([]);
  });

  it("names files that were changed by hand, and files that should be gone", async () => {
    await generate("--target", "rest", "--target", "contract");
    await writeFile(join(out, "rest/routes.ts"), "// Changed.\n");
    const { status, err } = await check("--target", "rest");
    expect(status).toBe(1);
    expect(err.split("\n")).toEqual(["changed: rest/routes.ts", "stale: contract/contract.ts", "parapet-generate: 2 files to regenerate"]);
  });

  it("notices an event that is new, in all that is written of it", async () => {
    const proto = join(out, "proto/a.proto");
    const contract = (events: string) => `syntax = "proto3"; package a.v1; import "parapet/policy/v1/policy.proto";
      message Thing { option (parapet.policy.v1.message) = {webhooks: [${events}]}; string name = 1; }`;
    const [from, to] = [["--proto", join(out, "proto")], ["--out", join(out, "made"), "--target", "typescript", "--target", "openapi", "--target", "docs"]];
    await mkdir(join(out, "proto"));
    await writeFile(proto, contract('{event: "thing.made"}'));
    expect(await run(...from, ...to)).toMatchObject({ status: 0, err: "" });
    expect(await run("check", ...from, ...to)).toMatchObject({ status: 0, err: "" });
    await writeFile(proto, contract('{event: "thing.made"}, {event: "thing.lost"}'));
    const { status, err } = await run("check", ...from, ...to);
    expect(status).toBe(1);
    for (const file of ["typescript/webhooks.ts", "typescript/api.md", "openapi/openapi.yaml", "docs/webhooks.md"]) expect(err).toContain(`changed: ${file}`);
    await writeFile(proto, contract(""));
    expect((await run("check", ...from, ...to)).err).toContain("stale: typescript/webhooks.ts");
  });

  it("notices a changed manifest", async () => {
    await generate("--target", "rest");
    const manifest = join(out, "manifest.json");
    await writeFile(manifest, (await readFile(manifest, "utf8")).replace(/"[0-9a-f]{64}"/, `"${"0".repeat(64)}"`));
    expect(await check("--target", "rest")).toMatchObject({ status: 1, err: `changed: ${manifest}` });
  });
});

describe("what is wrong", () => {
  it("with the contract is reported all at once, with places", async () => {
    const { status, err } = await run("--proto", refused, "--out", out);
    expect(status).toBe(1);
    for (const file of ["policies", "templates", "bodies", "routes", "webhooks"]) expect(err).toContain(`refused/v1/${file}.proto:`);
    expect(err).toMatch(/parapet-generate: \d+ problems$/);
    expect(await readdir(out)).toEqual([]);
  });

  it.each([
    [["--out", "x"], "--proto and --out are needed"],
    [["destroy", "--proto", "x", "--out", "x"], 'unknown command "destroy"'],
    [["--proto", "x", "--out", "x", "--target", "java"], 'unknown target "java"; known: contract, rest'],
    [["--proto", "x", "--out", "x", "--option", "openapi.colour=red"], 'unknown option "openapi.colour=red"'],
    [["--proto", "x", "--out", "x", "--target", "rest", "--option", "openapi.title=A"], '--option for "openapi", which is not among the targets of this run'],
    [["--unknown"], "--unknown"],
  ])("with the command line %j is said", async (args, message) => {
    const { status, err } = await run(...args);
    expect(status).toBe(2);
    expect(err).toContain(message);
    expect(err).toContain("Try: parapet-generate --help");
  });

  it("is explained by --help, which names every target", async () => {
    const { status, out: text } = await run("--help");
    expect(status).toBe(0);
    for (const target of ["contract", "rest", "openapi", "openapi-module", "conformance"]) expect(text).toMatch(new RegExp(`^  ${target} `, "m"));
  });
});
