// Tests that the README tells the truth: its commands, options, plugins, targets, names and its policy file.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { main } from "./cli.js";
import * as library from "./index.js";
import { targets } from "./targets/index.js";

const text = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const own = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { bin: Record<string, string> };
const root = fileURLToPath(new URL("../../..", import.meta.url));

async function run(...args: string[]): Promise<{ status: number; said: string }> {
  const lines: string[] = [];
  const status = await main(args, { out: (line) => lines.push(line), err: (line) => lines.push(line) });
  return { status, said: lines.join("\n") };
}

const matches = (pattern: RegExp, within = text): string[] => [...new Set([...within.matchAll(pattern)].map((match) => match[1]!))];
const section = (title: string): string => text.slice(text.indexOf(`## ${title}`)).split("\n## ")[0]!;

describe("the README", () => {
  it("names options, commands and targets that exist, and every one of them", async () => {
    const { said: help } = await run("--help");
    const options = matches(/parapet-generate[^\n]*? (--[a-z]+)/g);
    expect(options.filter((option) => !help.includes(option))).toEqual([]);
    const [commandTable, targetTable] = [text.split("| command | does |")[1]!.split("\n\n")[0]!, text.split("| target | writes |")[1]!.split("\n\n")[0]!];
    const named = (table: string): string[] => table.split("\n").flatMap((line) => matches(/`([a-z-]+)[^`]*`/g, line.split("|")[1] ?? ""));
    expect(named(commandTable).sort()).toEqual(["check", "credentials", "diff", "generate", "image", "init", "lint"]);
    for (const command of named(commandTable)) expect(help).toMatch(new RegExp(`^  \\[?${command}\\]? `, "m"));
    expect(named(targetTable).sort()).toEqual(targets.map(({ name }) => name).sort());
  });

  it("names plugins and exports that exist", () => {
    expect(matches(/(protoc-gen-parapet-[a-z-]*[a-z])\b/g).filter((name) => !Object.hasOwn(own.bin, name))).toEqual([]);
    expect(matches(/`([a-z]\w+)`/g, section("As a library")).filter((name) => !Object.hasOwn(library, name))).toEqual([]);
  });

  it("shows an event that can be declared so", async () => {
    const event = /```proto\n([^]*?)```/.exec(section("Events"))?.[1] ?? "";
    const folder = mkdtempSync(join(tmpdir(), "parapet-readme-"));
    try {
      writeFileSync(join(folder, "notes.proto"), `syntax = "proto3";\npackage notes.v1;\nimport "parapet/policy/v1/policy.proto";\nmessage Note { string text = 1; }\n${event}`);
      expect(await run("lint", "--proto", folder)).toEqual({ status: 0, said: "parapet-generate: 0 problems" });
      expect(await run("--proto", folder, "--out", join(folder, "out"), "--target", "typescript", "--target", "docs")).toMatchObject({ status: 0 });
      expect(readFileSync(join(folder, "out/typescript/webhooks.ts"), "utf8")).toContain('rt.WebhookEvent<"note.changed", NoteChanged>');
      expect(readFileSync(join(folder, "out/docs/webhooks.md"), "utf8")).toContain("A note was written or changed.");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("shows a policy file that works, for the protos that it names", async () => {
    const policy = /```yaml\n(# policy\.yaml\n[^]*?)```/.exec(text)?.[1] ?? "";
    const folder = mkdtempSync(join(tmpdir(), "parapet-readme-"));
    try {
      writeFileSync(join(folder, "policy.yaml"), policy);
      const { status, said } = await run("--proto", join(root, "node_modules/google-gax/build/protos"), "--path", "google/longrunning", "--policy", join(folder, "policy.yaml"), "--out", join(folder, "out"), "--target", "rest");
      expect({ status, said }).toEqual({ status: 0, said: "parapet-generate: 5 methods, 1 file, 1 written, 0 stale" });
      expect(readFileSync(join(folder, "out/rest/routes.ts"), "utf8")).toContain('"action":"wait"');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
