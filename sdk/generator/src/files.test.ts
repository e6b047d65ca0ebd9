// Tests what the command does with files and folders that it cannot use, and with what a stopped run left.
import { execFile } from "node:child_process";
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { main } from "./cli.js";
import { writeLargeContract } from "./testing/large-contract.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const bin = here("../bin/parapet-generate.js");
const timeLimitMs = 120_000;
const nobody = 65_534;

let folder: string;
let protos: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parapet-files-"));
  [protos, out] = [join(folder, "protos"), join(folder, "out")];
  await writeLargeContract(protos, 1, 2);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Texts of all files below a folder, by their paths in it. */
async function textsIn(path: string): Promise<Record<string, string>> {
  const entries = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const files = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(await Promise.all(files.map(async (file) => [relative(path, file), await readFile(file, "utf8")] as const)));
}

interface Ended {
  readonly status: number | string | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command within this process. */
async function run(...args: string[]): Promise<Ended> {
  const lines = { out: "", err: "" };
  const status = await main(args, { out: (line) => (lines.out += `${line}\n`), err: (line) => (lines.err += `${line}\n`) });
  return { status, ...lines };
}

/** Runs it as a process of its own: with a module loaded before it, or as another user. */
async function ran(program: string, args: readonly string[], { before, user, temporary }: { readonly before?: string; readonly user?: number; readonly temporary?: string } = {}): Promise<Ended> {
  const home = join(folder, "home");
  if (user !== undefined) {
    await mkdir(home, { recursive: true });
    await chown(home, user, user);
  }
  return new Promise((resolve) => {
    const env = { ...process.env, ...(temporary === undefined ? {} : { TMPDIR: temporary }) };
    const as = user === undefined ? { env } : { uid: user, env: { ...env, HOME: home } };
    execFile(process.execPath, [...(before === undefined ? [] : ["--import", before]), program, ...args], { timeout: timeLimitMs, ...as }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (error.code ?? error.signal ?? null), out: stdout, err: stderr });
    });
  });
}

const generate = (...args: string[]): Promise<Ended> => run("--proto", protos, "--out", out, ...args);
const check = (...args: string[]): Promise<Ended> => run("check", "--proto", protos, "--out", out, ...args);

describe("an output folder", () => {
  it.runIf(process.platform === "linux")("that the system does not make is named, and nobody waits", async () => {
    expect(await generate("--target", "rest", "--out", "/proc/parapet/out")).toEqual({ status: 1, out: "", err: "parapet-generate: /proc/parapet: no folder can be made here\n" });
  });

  it.runIf(process.platform === "linux")("is as impossible for an image", async () => {
    const { status, err } = await run("image", "--proto", protos, "--out", "/proc/parapet/image.binpb");
    expect({ status, err }).toEqual({ status: 1, err: "parapet-generate: /proc/parapet: no folder can be made here\n" });
  });

  it.runIf(process.platform === "linux")("is as impossible for a new project", async () => {
    const { status, err } = await run("init", "/proc/parapet");
    expect({ status, err }).toEqual({ status: 1, err: "parapet-generate: /proc/parapet: no folder can be made here\n" });
  });

  it("that is a file is named", async () => {
    await writeFile(out, "Not a folder.\n");
    for (const command of [generate, check]) {
      expect(await command("--target", "rest")).toEqual({ status: 1, out: "", err: `parapet-generate: ${join(out, "manifest.json")}: a part of the path is a file where a folder has to be\n` });
    }
  });

  it("with a folder in the place of a file is left as it is", async () => {
    await mkdir(join(out, "rest/routes.ts"), { recursive: true });
    expect(await generate("--target", "rest")).toEqual({ status: 1, out: "", err: `parapet-generate: ${join(out, "rest/routes.ts")}: this is a folder where a file has to be\n` });
    expect(await readdir(out)).toEqual(["rest"]);
  });

  // Nobody refuses root, so the command runs as nobody.
  it.runIf(process.getuid?.() === 0)("that may not be written is named", async () => {
    await chmod(folder, 0o755);
    const { status, err } = await ran(bin, ["--proto", protos, "--out", out, "--target", "rest"], { user: nobody });
    expect({ status, err }).toEqual({ status: 1, err: `parapet-generate: ${out}: access is denied\n` });
  });
});

describe("a manifest that cannot be read", () => {
  it.each([
    ["cut off", (text: string) => text.slice(0, 40), /Unterminated string|Unexpected end/],
    ["with the marks of a merge", (text: string) => `<<<<<<< HEAD\n${text}`, /Unexpected token/],
    ["of something else", () => '{"name": "app"}\n', /it has no outputs/],
    ["of nothing", () => "null\n", /it has no outputs/],
    ["with another kind of hash", () => '{"outputs": {"rest/routes.ts": 1}}\n', /it has no outputs/],
  ])("%s is named, with what to do, and nothing is written", async (_what, broken, said) => {
    await generate("--target", "rest");
    const manifest = join(out, "manifest.json");
    const text = broken(await readFile(manifest, "utf8"));
    await writeFile(manifest, text);
    await rm(join(out, "rest/routes.ts"));
    for (const command of [generate, check]) {
      const { status, out: printed, err } = await command("--target", "rest");
      expect({ status, printed }).toEqual({ status: 1, printed: "" });
      expect(err).toMatch(said);
      expect(err).toContain(`parapet-generate: ${manifest}: this is no manifest of parapet-generate`);
      expect(err).toContain("Restore it, or remove it and generate again");
      expect(err.trim().split("\n")).toHaveLength(1);
    }
    expect(await readFile(manifest, "utf8")).toBe(text);
    expect(await readdir(join(out, "rest"))).toEqual([]);
    await rm(manifest);
    expect((await generate("--target", "rest")).status).toBe(0);
    expect((await check("--target", "rest")).status).toBe(0);
  });
});

describe("a run that is stopped while it writes", () => {
  const targets = ["--target", "server"];

  /** A module that lets half of the nth file be written and then does something. */
  async function atWrite(nth: number, then: string): Promise<string> {
    const module = join(folder, `write-${nth}.mjs`);
    const text = `import { existsSync } from "node:fs";
import fs from "node:fs/promises";
import { dirname } from "node:path";
import { syncBuiltinESMExports } from "node:module";
const write = fs.writeFile;
let count = 0;
fs.writeFile = async (file, content, options) => {
  if (!file.startsWith(${JSON.stringify(out)}) || !existsSync(dirname(file)) || ++count !== ${nth}) return write(file, content, options);
  await write(file, Buffer.from(content).subarray(0, content.length / 2), options);
  ${then}
};
syncBuiltinESMExports();
`;
    await writeFile(module, text);
    return module;
  }
  const stopped = async (nth: number): Promise<Ended> => ran(bin, ["--proto", protos, "--out", out, ...targets], { before: await atWrite(nth, 'process.kill(process.pid, "SIGKILL");') });

  it("is noticed by check wherever it stopped, and the next run ends as if nothing had been", async () => {
    const whole = join(folder, "whole");
    await generate(...targets, "--out", whole);
    const texts = await textsIn(whole);
    // Every file, the manifest twice; one in three of these writes, the first and the last among them.
    const writes = Object.keys(texts).length + 1;
    for (let nth = 1; nth <= writes; nth = nth === writes ? nth + 1 : Math.min(nth + 3, writes)) {
      await rm(out, { recursive: true, force: true });
      expect((await stopped(nth)).status).toBe("SIGKILL");
      expect(await check(...targets), `after write ${nth}`).toMatchObject({ status: 1, out: "" });
      expect(await generate(...targets), `after write ${nth}`).toMatchObject({ status: 0, err: "" });
      // The part of a file that was to be put in its place at once may lie beside it.
      expect(Object.fromEntries(Object.entries(await textsIn(out)).filter(([path]) => !path.endsWith(".parapet-generate")))).toEqual(texts);
      expect(await check(...targets)).toMatchObject({ status: 0, err: "" });
    }
    await rm(out, { recursive: true, force: true });
    expect((await stopped(writes + 1)).status).toBe(0);
  }, timeLimitMs);

  it("is said to have been stopped", async () => {
    await stopped(3);
    expect(await check(...targets)).toEqual({ status: 1, out: "", err: `${join(out, "manifest.json")}: a run that wrote here was stopped before its end; generate again\n` });
  });

  it("forgets no file that it was to remove", async () => {
    await generate("--target", "rest");
    await stopped(3);
    expect((await stat(join(out, "rest/routes.ts"))).isFile()).toBe(true);
    expect(await generate(...targets)).toMatchObject({ status: 0, out: expect.stringContaining("1 stale") as string });
    await expect(stat(join(out, "rest/routes.ts"))).rejects.toThrow("ENOENT");
  });

  it("by a full disk says which file does not fit", async () => {
    const full = await atWrite(4, 'throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });');
    const { status, out: printed, err } = await ran(bin, ["--proto", protos, "--out", out, ...targets], { before: full });
    expect({ status, printed }).toEqual({ status: 1, printed: "" });
    expect(err).toMatch(new RegExp(`^parapet-generate: ${out}/server/.*: the disk is full\n$`));
    expect((await check(...targets)).err).toContain("was stopped before its end");
  });
});

describe("a folder of protos", () => {
  const said = async (proto: string, user?: number): Promise<string> => {
    const { status, out: printed, err } = user === undefined ? await run("--proto", proto, "--out", out) : await ran(bin, ["--proto", proto, "--out", out], { user });
    expect({ status, printed }).toEqual({ status: 1, printed: "" });
    return err;
  };

  it("that is not there, is a file or holds nothing is named", async () => {
    expect(await said(join(folder, "none"))).toBe(`${join(folder, "none")}: there is no such folder (build-failed)\nparapet-generate: 1 problem\n`);
    await writeFile(join(folder, "file.proto"), "");
    expect(await said(join(folder, "file.proto"))).toBe(`${join(folder, "file.proto")}: this is no folder (build-failed)\nparapet-generate: 1 problem\n`);
    await mkdir(join(folder, "empty"));
    expect(await said(join(folder, "empty"))).toBe(`${join(folder, "empty")}: there is no .proto file in this folder (build-failed)\nparapet-generate: 1 problem\n`);
  });

  it.runIf(process.getuid?.() === 0)("of which a part may not be read is no contract without that part", async () => {
    await chmod(folder, 0o755);
    await mkdir(join(protos, "closed"), { mode: 0o700 });
    expect(await said(protos, nobody)).toBe(`${join(protos, "closed")}: this folder may not be read (build-failed)\nparapet-generate: 1 problem\n`);
    await rm(join(protos, "closed"), { recursive: true });
    await writeFile(join(protos, "closed.proto"), 'syntax = "proto3";\n', { mode: 0o600 });
    expect(await said(protos, nobody)).toBe(`parapet-generate: ${join(protos, "closed.proto")}: access is denied\n`);
  });
});

describe("a policy file", () => {
  it.each([
    ["that is not there", undefined, "there is no such file"],
    ["that is a folder", "folder", "EISDIR"],
    ["that is no YAML", "methods: [\n", "policy.yaml:2:1: "],
    ["of bytes", "\u0000\u0001\u0002", "policy.yaml:1:1: a policy file is a mapping"],
    ["that is empty", "", "policy.yaml:1:1: a policy file is a mapping"],
  ])("%s is named", async (_what, content, said) => {
    const policy = join(folder, "policy.yaml");
    if (content === "folder") await mkdir(policy);
    else if (content !== undefined) await writeFile(policy, content);
    const { status, out: printed, err } = await generate("--policy", policy);
    expect({ status, printed }).toEqual({ status: 1, printed: "" });
    expect(err).toContain("policy.yaml");
    expect(err).toContain(said);
    expect(err).toContain("(policy-file-invalid)\nparapet-generate: 1 problem\n");
  });
});

describe("an image", () => {
  it("that is none is named", async () => {
    const image = join(folder, "image.binpb");
    expect((await run("image", "--proto", protos, "--out", image)).status).toBe(0);
    await truncate(image, 1000);
    const { status, err } = await run("diff", image, image);
    expect(status).toBe(1);
    expect(err).toMatch(new RegExp(`^parapet-generate: ${image}: this is no image as buf build makes it: .*\n$`));
  });
});

describe("buf", () => {
  /** The generator, installed without the program of buf, or with what stands for it. */
  async function installed(buf?: string): Promise<string> {
    const modules = join(folder, "node_modules");
    const own = join(modules, "@parapet/generator");
    const root = dirname(here("../package.json"));
    for (const part of ["bin", "dist", "package.json"]) await cp(join(root, part), join(own, part), { recursive: true });
    const locate = createRequire(import.meta.url).resolve;
    for (const name of ["@bufbuild/protobuf", "@bufbuild/protovalidate", "@parapet/contract", "github-slugger", "yaml"]) {
      const found = locate.paths(name)!.map((path) => join(path, name));
      for (const path of found) {
        if (!(await stat(path).catch(() => undefined))) continue;
        await mkdir(dirname(join(modules, name)), { recursive: true });
        await symlink(path, join(modules, name));
        break;
      }
    }
    const program = join(modules, `@bufbuild/buf-${process.platform}-x64/bin/buf`);
    await mkdir(dirname(program), { recursive: true });
    if (buf !== undefined) await writeFile(program, buf, { mode: buf === "" ? 0o644 : 0o755 });
    return join(own, "bin/parapet-generate.js");
  }

  it.runIf(process.platform === "linux" && process.arch === "x64").each([
    ["that is not installed", undefined, /^buf build: buf cannot run: Cannot find module '@bufbuild\/buf'/],
    ["that may not be executed", "", /^buf build: buf cannot run: spawn .* EACCES \(build-failed\)\n/],
    ["that is ended", "#!/bin/sh\nkill -9 $$\n", /^buf build: buf was ended by SIGKILL \(build-failed\)\n/],
  ])("%s is a problem of its own", async (_what, buf, said) => {
    const { status, out: printed, err } = await ran(await installed(buf), ["--proto", protos, "--out", out]);
    expect({ status, printed }).toEqual({ status: 1, printed: "" });
    expect(err).toMatch(said);
    expect(err).toContain("parapet-generate: 1 problem");
    expect(err).not.toContain("    at ");
  });

  it.runIf(process.platform === "linux" && process.arch === "x64").each(["INT", "TERM", "HUP"])("leaves no folder behind where SIG%s ends the run meanwhile", async (signal) => {
    const temporary = join(folder, `temporary-${signal}`);
    await mkdir(temporary);
    const program = await installed(`#!/bin/sh\nls "$TMPDIR" > ${join(folder, signal)}\nkill -${signal} $PPID\nsleep 1\n`);
    expect((await ran(program, ["--proto", protos, "--out", out], { temporary })).status).toBe(`SIG${signal}`);
    expect(await readFile(join(folder, signal), "utf8")).toMatch(/^parapet-generate-\w+\n$/);
    expect(await readdir(temporary)).toEqual([]);
  });
});
