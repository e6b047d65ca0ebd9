// Tests the commands `init` and `credentials` as they are typed.
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { main } from "../cli.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parapet-init-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  const lines = { out: [] as string[], err: [] as string[] };
  let byte = 0;
  const randomBytes = (size: number) => Uint8Array.from({ length: size }, () => byte++ % 251);
  const status = await main(args, { out: (line) => lines.out.push(line), err: (line) => lines.err.push(line) }, { randomBytes });
  return { status, out: lines.out.join("\n"), err: lines.err.join("\n") };
}

const text = (path: string) => readFile(join(folder, path), "utf8");

interface Credentials {
  readonly credentials: readonly { readonly id: string; readonly sha256: string; readonly grants: Readonly<Record<string, readonly string[]>> }[];
}

describe("parapet-generate init", () => {
  it("writes a contract that generates without a problem, its name and version filled in", async () => {
    const project = join(folder, "My Notes");
    expect((await run("init", project)).status).toBe(0);
    expect(JSON.parse(await text("My Notes/package.json"))).toMatchObject({ name: "my-notes", dependencies: { "@parapet/server": expect.stringMatching(/^\d+\.\d+\.\d+$/) as string } });
    expect(await text("My Notes/README.md")).toContain("# my-notes");
    expect(await text("My Notes/.gitignore")).toContain("tokens.json");
    // Outside of a project the protos that it imports come from the generator itself.
    await rm(join(project, "buf.yaml"));
    expect(await run("--proto", join(project, "proto"), "--out", join(folder, "out"))).toMatchObject({ status: 0, err: "" });
  });

  it("pins every dependency exactly", async () => {
    await run("init", folder);
    const { dependencies, devDependencies } = JSON.parse(await text("package.json")) as Record<string, Record<string, string>>;
    expect(Object.values({ ...dependencies, ...devDependencies }).filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it("refuses a folder that holds something", async () => {
    await writeFile(join(folder, "mine.txt"), "");
    expect(await run("init", folder)).toMatchObject({ status: 2, err: expect.stringContaining("mine.txt") as string });
  });

  it("gives the server hashes alone, and keeps the tokens from others", async () => {
    await run("init", folder);
    const { roles, resource } = JSON.parse(await text("tokens.json")) as { resource: string; roles: Record<string, string[]> };
    const stored = await text("credentials.json");
    const tokens = Object.values(roles).flat();
    expect(tokens.filter((token) => stored.includes(token.slice("parapet_dev_".length)))).toEqual([]);
    expect(new Set(tokens).size).toBe(tokens.length);
    const { credentials } = JSON.parse(stored) as Credentials;
    expect(new Set(credentials.map(({ sha256 }) => sha256))).toEqual(new Set(tokens.map((token) => createHash("sha256").update(token).digest("hex"))));
    expect(credentials.find(({ id }) => id === "writer-1")?.grants).toEqual({ [resource]: ["read", "write"] });
    expect((await stat(join(folder, "tokens.json"))).mode & 0o777).toBe(0o600);
  });

  it("makes credentials once", async () => {
    expect((await run("credentials", folder, "--resource", "library")).status).toBe(0);
    const before = await text("tokens.json");
    expect(before).toContain('"library"');
    expect((await run("credentials", folder)).status).toBe(2);
    expect(await text("tokens.json")).toBe(before);
  });
});
